#pragma once

#include <string>
#include <vector>

#include "core/evaluation/speed_sweep.h"
#include "core/lanes/lane_opener.h"
#include "core/lanes/lane_set.h"

namespace headroom::session {

/// What a sweep measures for the open lanes.
struct SpeedSweepPlan {
  std::vector<evaluation::SweepSubject> subjects;
  evaluation::SweepOptions options;
  std::string deviceName;  ///< that the subjects decode on
};

/// Every model, cache type and kernel that the lanes have or could have, once; contexts to twice as far as
/// they are, or to 4,096 positions where models and memory take these, to 16,384 at most, and larger batches.
/// `requests` are those of `lanes`, which like `opener` outlive the plan. No subjects where no lane decodes
/// on a device.
SpeedSweepPlan planSpeedSweep(const lanes::LaneSet& lanes, const std::vector<lanes::LaneRequest>& requests,
                              lanes::LaneOpener& opener);

/// Runs it. `events.pointDone` is told of every point and of the end, with device and date. What could not be
/// measured, as sentences. Throws as sweepSpeed().
std::vector<std::string> runSpeedSweep(const SpeedSweepPlan& plan, const evaluation::SweepEvents& events);

}  // namespace headroom::session
