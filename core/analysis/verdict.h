#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/lane_measurement.h"
#include "core/analysis/speed_comparison.h"
#include "core/analysis/speed_map.h"
#include "core/model/sentence.h"

namespace headroom::analysis {

/// What is known of one lane.
struct JudgedLane {
  std::string title;   ///< for people
  std::string source;  ///< the same for lanes of one model; finds its curves in a SpeedMap
  LaneMeasurement measurement;
  std::vector<TimedStep> steps = {};  ///< its decode steps, ascending
};

enum class Answer {
  NotMeasured,     ///< a lane has too few steps
  OneLane,         ///< nothing to compare with
  OtherPositions,  ///< the lanes stand at different positions
  TooNoisy,        ///< the last lane isTooNoisy
  Faster,
  Alike,
  Slower,
};

/// A lane against the reference lane.
struct AgainstReference {
  int lane = -1;
  /// Measured: the quotient of the lanes' median times; its range over the last kRecentSteps positions that
  /// both decoded.
  std::optional<Estimate> speedup;
  bool isTooNoisy = false;  ///< its range tells too little: nothing is said of it
  /// Logical bytes that a step reads, reference over this lane: counted.
  double bytesRatio = 1.0;
};

/// A speedup at a longer context or a larger batch.
struct Promise {
  double goal = 0.0;  ///< times as fast; 0 where none is in reach, and the place is just a longer context
  OperatingPoint at;
  Estimate speedup;         ///< there
  bool isMeasured = false;  ///< by a sweep; else what the steps so far say
};

/// What sharing keys and values brings here: the lane with the most KV heads against those of the same shape,
/// batch, cache type and kernel with fewer; or, of one model with both kernels, the naive one against the
/// shared one.
struct Verdict {
  Answer answer = Answer::NotMeasured;
  int reference = -1;
  bool ofKernels = false;
  std::vector<AgainstReference> others;  ///< by KV heads, the fewest last
  std::optional<Promise> promise;        ///< of the last of them
  /// What a sweep measured of it nearest to here, where there is no promise and it is too noisy.
  std::optional<Promise> quoted;
  /// The kernel of the last of them reads keys and values at less than half the rate of the reference's, in a
  /// stage that both spend much of a step in.
  bool kernelLimits = false;
  std::vector<model::Sentence> sentences;  ///< to be put behind each other; 140 characters at most
  /// How many times as fast as the reference the lane is, if it was compared.
  const AgainstReference* find(int lane) const;
};

/// Closer to 1 than this is "the same".
inline constexpr double kNoticeable = 0.03;
/// Where a range does not tell which lane is faster, and its ends lie farther from its value than this part
/// of it, nothing is said of it; "alike" would say more than is known.
inline constexpr double kTooNoisy = 0.2;
/// Nor where one end is that many times the other, although both may lie beyond 1.
inline constexpr double kWidestRange = 2.0;
/// The widest range of a promise, over its value.
inline constexpr double kMostPromiseSpread = 0.15;

/// How far lanes may be taken, whatever the models allow.
struct Reach {
  int maximumPositions = model::mostFilled(model::kMostOfferedContext);
};

/// `map` is what the last sweep of these lanes measured, if there was one. `before` is the verdict that
/// stands: an answer is only left when what was measured speaks clearly against it, so that none flips from
/// second to second.
Verdict judge(std::span<const JudgedLane> lanes, const SpeedMap* map, const Verdict* before,
              const Reach& reach = {});

}  // namespace headroom::analysis
