#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/model/step_record.h"

namespace headroom::analysis {

/// Bytes at a place of a text.
struct BytesAt {
  int position = 0;
  std::uint64_t bytes = 0;

  bool operator==(const BytesAt&) const = default;
};

/// KV-cache bytes as the decoder counted them after each step, at the number of positions that it then had.
std::vector<BytesAt> cacheFilled(std::span<const model::StepRecord> steps);

/// Issued bytes of each decode step at its position; steps whose bytes nobody counted are left out.
std::vector<BytesAt> issuedPerStep(std::span<const model::StepRecord> decodeSteps);

}  // namespace headroom::analysis
