#include "core/analysis/step_parts.h"

#include <algorithm>

namespace headroom::analysis {

std::array<double, kStepPartCount> stepPartsMs(const LaneMeasurement& lane) {
  std::array<double, kStepPartCount> parts{};
  std::ranges::copy(lane.stageMs, parts.begin());
  parts.back() = lane.overhead.totalMs();
  return parts;
}

}  // namespace headroom::analysis
