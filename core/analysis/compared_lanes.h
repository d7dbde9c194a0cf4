#pragma once

#include <span>
#include <vector>

#include "core/analysis/verdict.h"

namespace headroom::analysis {

/// Which of the open lanes a verdict is of: lanes of one shape, batch, cache type and kernel that differ in
/// their KV heads, or one model with both kernels; the larger group.
struct ComparedLanes {
  std::vector<int> lanes;  ///< the reference first, which may be alone; the fewest KV heads last
  bool ofKernels = false;  ///< one model, naive kernel first
};

/// Empty without lanes.
ComparedLanes comparedLanes(std::span<const JudgedLane> lanes);

}  // namespace headroom::analysis
