#include "core/analysis/byte_curves.h"

#include "core/analysis/traffic_summary.h"

namespace headroom::analysis {

std::vector<BytesAt> cacheFilled(std::span<const model::StepRecord> steps) {
  std::vector<BytesAt> curve;
  for (const model::StepRecord& step : steps) {
    curve.push_back({step.position + static_cast<int>(step.tokens.size()), step.cacheBytesUsed});
  }
  return curve;
}

std::vector<BytesAt> issuedPerStep(std::span<const model::StepRecord> decodeSteps) {
  std::vector<BytesAt> curve;
  for (const model::StepRecord& step : decodeSteps) {
    if (const auto bytes = countedBytes(step)) curve.push_back({step.position, *bytes});
  }
  return curve;
}

}  // namespace headroom::analysis
