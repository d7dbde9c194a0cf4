#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headroom::model {

/// One point of the copy curve: what a copy reaches whose source and target together are that large, by the
/// device's copy commands or by a kernel, whichever is faster.
struct CopyPoint {
  std::uint64_t workingSetBytes = 0;  ///< bytes of source plus target
  double gigabytesPerSecond = 0.0;    ///< bytes read plus bytes written per second / 1e9
};

/// What a device reaches at most, measured on it by the probes: medians of several runs. Plain values, so
/// that analysis and views need no device.
struct DeviceCeilings {
  std::string device;            ///< as the driver names it
  std::string driver;            ///< name and version: a new driver is measured anew
  std::string date;              ///< when it was measured: "2026-11-22 09:30"
  std::vector<CopyPoint> copy;   ///< ascending, from inside the caches to memory
  double fmaGflops = 0.0;        ///< 2 operations per float32 fused multiply-add, per second / 1e9
  double emptyDispatchUs = 0.0;  ///< one dispatch and its barrier, in a row of many

  bool known() const { return !copy.empty() && fmaGflops > 0.0; }
  /// The copy curve at a working set, in GB/s: linear in the logarithm of the size between points, constant
  /// outside of them; 0 without a curve.
  double copyAt(std::uint64_t workingSetBytes) const;
  /// The fastest and the last point of the curve: the caches, and memory.
  double fastestCopy() const;
  double memoryCopy() const;
};

/// Where ceilings come from.
enum class Freshness {
  Kept,      ///< as they were measured earlier on this device and driver
  Measured,  ///< now, in about a second
};

}  // namespace headroom::model
