#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace headroom::model {

/// One point of a curve of rates by working set: all bytes between two accesses to the same one.
struct MemoryPoint {
  std::uint64_t workingSetBytes = 0;
  double gigabytesPerSecond = 0.0;  ///< bytes read plus bytes written per second / 1e9
};

/// What a device reaches at most, measured on it by the probes: medians of several runs. Plain values, so
/// that analysis and views need no device.
struct DeviceCeilings {
  std::string device;  ///< as the driver names it
  std::string driver;  ///< name and version: a new driver is measured anew
  std::string date;    ///< when it was measured: "2026-11-22 09:30"
  /// Copies, by the device's copy commands or by a kernel, whichever is faster. A working set is source plus
  /// target, the same again and again. All curves are ascending in size, from inside the caches to memory.
  std::vector<MemoryPoint> copy;
  /// A kernel that only reads, the same again and again, in one dispatch.
  std::vector<MemoryPoint> read;
  /// A dispatch that reads so many bytes, others than those before it: none are in a cache. With what
  /// starting it costs.
  std::vector<MemoryPoint> coldRead;
  double fmaGflops = 0.0;        ///< 2 operations per float32 fused multiply-add, per second / 1e9
  double emptyDispatchUs = 0.0;  ///< one dispatch and its barrier, in a row of many

  bool known() const { return !copy.empty() && !read.empty() && fmaGflops > 0.0; }
  /// What reading a working set again and again reaches at most, in GB/s: the read curve, or the copy curve
  /// where a copy moves more. Linear in the logarithm of the size between points, constant outside of them; 0
  /// without a curve.
  double readAt(std::uint64_t workingSetBytes) const;
  /// The fastest of all points, in the caches, and what memory reaches, where the curves end.
  double fastestRead() const;
  double memoryRead() const;
};

/// A curve at a size: see DeviceCeilings::readAt.
double rateAt(std::span<const MemoryPoint> curve, std::uint64_t workingSetBytes);

/// Where ceilings come from.
enum class Freshness {
  Kept,      ///< as they were measured earlier on this device and driver
  Measured,  ///< now, in a few seconds
};

}  // namespace headroom::model
