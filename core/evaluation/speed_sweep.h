#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/analysis/speed_map.h"
#include "core/evaluation/step_timer.h"
#include "core/model/common_fill.h"

namespace headroom::evaluation {

/// One layout with one kernel, as a sweep measures it.
struct SweepSubject {
  analysis::SpeedCurve curve;  ///< without a point
  /// A decoder of that batch whose context holds `positions` and StepTimer::kMostSteps more; how much more
  /// may matter to its kernels. Throws model::Error.
  std::function<lanes::LaneEngine(int positions, int batch)> open;
};

struct SweepOptions {
  std::vector<analysis::OperatingPoint> points;
  int rounds = 7;
  double warmUpMs = 60.0;
  double roundMs = 40.0;  ///< of one subject
  unsigned seed = 1;      ///< of the order and of the caches' content
};

struct SweepEvents {
  /// The share that is done, and what is measured now. May be empty.
  std::function<void(double share, const analysis::OperatingPoint& at)> progress;
  /// What was measured so far, after each point. May be empty.
  std::function<void(const analysis::SpeedMap& map)> pointDone;
  StopRequest stop;
};

/// Times steps of all subjects at each of the points, one point after the other: in each round every subject
/// has a turn, in shuffled order, so that what slows the machine slows all of them. A point that a subject
/// has no memory for is left out for all, with a sentence in `skipped`. Throws model::DeviceLost.
struct SweepResult {
  analysis::SpeedMap map;  ///< without device and date
  std::vector<std::string> skipped;
};
SweepResult sweepSpeed(const std::vector<SweepSubject>& subjects, const SweepOptions& options,
                       const SweepEvents& events);

/// Contexts from 256 positions to `longest` in factors of about 2, five at least, at `batch`; and at the
/// middle one further batches while the caches of `bytesPerPosition` stay within `mostBytes`.
std::vector<analysis::OperatingPoint> sweepPoints(int batch, int longest, std::uint64_t bytesPerPosition,
                                                  std::uint64_t mostBytes = model::kMostFilledBytes);

}  // namespace headroom::evaluation
