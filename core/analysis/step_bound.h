#pragma once

#include <string>
#include <string_view>

#include "core/analysis/lane_measurement.h"
#include "core/model/device_ceilings.h"

namespace headroom::analysis {

/// What most of a decode step's time goes into.
enum class Bound {
  Unknown,        ///< no step, no time stamps or no probes yet
  Launch,         ///< dispatches and the overhead of submitting
  Weights,        ///< reading the weights
  Kv,             ///< reading keys and values
  Compute,        ///< arithmetic
  Instructions,   ///< the kernels' other instructions: neither bytes nor FLOPs explain the time
  CacheResident,  ///< reading, but from the device's caches: what memory reaches does not limit it
};
/// "launch-bound", "KV-bound", "cache-resident"; empty for Unknown.
std::string_view boundName(Bound bound);

/// How far the read ceiling stands above that of memory where a working set counts as cached.
inline constexpr double kCached = 1.25;
/// The part of a stage's time that the read ceiling or the FMA probe must explain for the stage to count as
/// bound by memory or arithmetic. Below it the kernel's own instructions are what takes the time, as on a
/// software device.
inline constexpr double kExplained = 0.4;

/// A step's wall time by what it went into. Each stage's time beyond its dispatches counts as weights or, for
/// attention, as KV where its bytes at the read ceiling explain kExplained of it and take longer than its
/// FLOPs at the FMA ceiling; else as compute: arithmetic, or the instructions around it.
struct TimeShares {
  double launchMs = 0.0;  ///< dispatches x the probe's empty dispatch, and the overhead outside the stages
  double weightMs = 0.0;
  double kvMs = 0.0;
  double computeMs = 0.0;
  double computeFlops = 0.0;  ///< of the stages counted as compute
};
TimeShares timeShares(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings);

/// The largest share. Reading counts as cache-resident where the read ceiling at the step's working set is at
/// least kCached times that of memory and the implied GB/s exceed that of memory.
Bound boundOf(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings);

/// The class with its share of the step and the rates it was judged by:
/// "launch-bound: 22 dispatches and the overhead around them take 1.30 of 2.60 ms; KV is 12 % of the issued
/// bytes that a step reads."
std::string boundSentence(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings);

}  // namespace headroom::analysis
