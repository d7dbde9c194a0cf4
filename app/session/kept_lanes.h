#pragma once

#include <vector>

#include "app/session/lane.h"

namespace headroom::session {

/// For each of `wanted` the index of the old lane that does just that, whatever its colour, or -1; no old
/// lane twice.
std::vector<int> keptLanes(const std::vector<LaneRequest>& old, const std::vector<LaneRequest>& wanted);

}  // namespace headroom::session
