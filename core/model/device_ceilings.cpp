#include "core/model/device_ceilings.h"

#include <algorithm>
#include <cmath>

namespace headroom::model {

double rateAt(std::span<const MemoryPoint> curve, std::uint64_t workingSetBytes) {
  if (curve.empty()) return 0.0;
  const auto above = std::ranges::lower_bound(curve, workingSetBytes, {}, &MemoryPoint::workingSetBytes);
  if (above == curve.begin()) return curve.front().gigabytesPerSecond;
  if (above == curve.end()) return curve.back().gigabytesPerSecond;
  const MemoryPoint& below = *(above - 1);
  const auto logarithm = [](std::uint64_t bytes) { return std::log(static_cast<double>(bytes)); };
  const double share = (logarithm(workingSetBytes) - logarithm(below.workingSetBytes)) /
                       (logarithm(above->workingSetBytes) - logarithm(below.workingSetBytes));
  return std::lerp(below.gigabytesPerSecond, above->gigabytesPerSecond, share);
}

double DeviceCeilings::readAt(std::uint64_t workingSetBytes) const {
  return std::max(rateAt(read, workingSetBytes), rateAt(copy, workingSetBytes));
}

double DeviceCeilings::fastestRead() const {
  double fastest = 0.0;
  for (const auto* curve : {&read, &copy}) {
    for (const MemoryPoint& point : *curve) fastest = std::max(fastest, point.gigabytesPerSecond);
  }
  return fastest;
}

double DeviceCeilings::memoryRead() const {
  double memory = 0.0;
  for (const auto* curve : {&read, &copy, &coldRead}) {
    if (!curve->empty()) memory = std::max(memory, curve->back().gigabytesPerSecond);
  }
  return memory;
}

}  // namespace headroom::model
