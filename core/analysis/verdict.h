#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/analysis/lane_measurement.h"
#include "core/analysis/step_cost.h"
#include "core/model/device_ceilings.h"

namespace headroom::analysis {

/// What most of a decode step's time goes into.
enum class Bound {
  Unknown,        ///< no step, no time stamps or no probes yet
  Launch,         ///< dispatches and the overhead of submitting
  Weights,        ///< reading the weights
  Kv,             ///< reading keys and values
  Compute,        ///< arithmetic, or the kernels' other instructions
  CacheResident,  ///< reading, but from the device's caches: the copy rate of memory does not limit it
};
/// "launch-bound", "KV-bound", "cache-resident"; empty for Unknown.
std::string_view boundName(Bound bound);

/// A step's wall time by what it went into. Each stage's time beyond its dispatches counts as weights or, for
/// attention, as KV where its bytes at the copy rate explain kExplained of it and take longer than its FLOPs
/// at the FMA ceiling; else as compute: arithmetic, or the instructions around it.
struct TimeShares {
  double launchMs = 0.0;  ///< dispatches x the probe's empty dispatch, and the overhead outside the stages
  double weightMs = 0.0;
  double kvMs = 0.0;
  double computeMs = 0.0;
  double computeBytes = 0.0;  ///< that the stages counted as compute load
};
TimeShares timeShares(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings);

/// The largest share. Reading counts as cache-resident where the copy curve at the step's working set is at
/// least 1.25 times its memory end and the implied GB/s exceed that end.
Bound boundOf(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings);

/// A batch and a number of positions.
struct OperatingPoint {
  int batch = 1;
  int positions = 0;
  bool operator==(const OperatingPoint&) const = default;
};

/// How far a lane may be taken.
struct Reach {
  int maximumBatch = model::kMostSequences;
  int maximumPositions = model::kMostOfferedContext;
  std::uint64_t maximumCacheBytes = 1ull << 30;
};

/// What sharing keys and values brings: the layout with more KV heads against the one with fewer.
struct Outlook {
  int wideKvHeads = 0;
  int narrowKvHeads = 0;
  model::AttentionKind narrowKind = model::AttentionKind::MultiQuery;
  /// Measured: both layouts run as lanes and both slopes are measured. Computed: what the bytes allow at
  /// most.
  Basis basis = Basis::Computed;
  double bytesRatio = 1.0;  ///< logical bytes that a step reads now, wide over narrow: counted or computed
  double speedup = 1.0;     ///< time of a step now, wide over narrow, with the same cost outside of attention
  double limit = 1.0;       ///< the same when a step reads nothing but KV
  /// Nearest points for 1.5 and 2 times: a larger batch while the model's own context suffices, else a longer
  /// context. Nothing where it is out of reach, the point of now where it is reached.
  std::array<std::optional<OperatingPoint>, 2> reached;
};
inline constexpr std::array<double, 2> kGoals{1.5, 2.0};

struct Verdict {
  int lane = -1;  ///< the one that is judged: that with the most KV heads
  Bound bound = Bound::Unknown;
  std::optional<Outlook> outlook;
  std::string sentence;         ///< "launch-bound: 22 dispatches and overhead take 1.3 of 2.6 ms, ..."
  std::string outlookSentence;  ///< "MQA would save at most 1.04x here; ..."
};

/// Judges the lane with the most KV heads, against the lane with the fewest of the same shape, batch, cache
/// type and kernel, or against the model with a single KV head, computed. A lane that has a single KV head
/// already is judged against one per query head.
Verdict judge(std::span<const LaneMeasurement> lanes, const model::DeviceCeilings& ceilings,
              const Reach& reach = {});

/// Where two layouts are compared: the present point, the context that the model was made for, and the cache
/// bytes of one position of one sequence in the layout with more KV heads.
struct Surroundings {
  OperatingPoint now;
  int modelContext = 0;
  std::uint64_t bytesPerPosition = 0;
};

/// The nearest point at which `wide` takes `goal` times as long as `narrow`. Batches are powers of two, with
/// seven eighths of the model's context in the cache; positions have two digits that count.
std::optional<OperatingPoint> pointWhere(double goal, const StepCost& wide, const StepCost& narrow,
                                         const Surroundings& around, const Reach& reach);

}  // namespace headroom::analysis
