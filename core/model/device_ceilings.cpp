#include "core/model/device_ceilings.h"

#include <algorithm>
#include <cmath>

namespace headroom::model {

double DeviceCeilings::copyAt(std::uint64_t workingSetBytes) const {
  if (copy.empty()) return 0.0;
  const auto above = std::ranges::lower_bound(copy, workingSetBytes, {}, &CopyPoint::workingSetBytes);
  if (above == copy.begin()) return copy.front().gigabytesPerSecond;
  if (above == copy.end()) return copy.back().gigabytesPerSecond;
  const CopyPoint& below = *(above - 1);
  const auto logarithm = [](std::uint64_t bytes) { return std::log(static_cast<double>(bytes)); };
  const double share = (logarithm(workingSetBytes) - logarithm(below.workingSetBytes)) /
                       (logarithm(above->workingSetBytes) - logarithm(below.workingSetBytes));
  return std::lerp(below.gigabytesPerSecond, above->gigabytesPerSecond, share);
}

double DeviceCeilings::fastestCopy() const {
  double fastest = 0.0;
  for (const CopyPoint& point : copy) fastest = std::max(fastest, point.gigabytesPerSecond);
  return fastest;
}

double DeviceCeilings::memoryCopy() const {
  return copy.empty() ? 0.0 : copy.back().gigabytesPerSecond;
}

}  // namespace headroom::model
