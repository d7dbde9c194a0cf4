#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/speed_comparison.h"
#include "core/model/config.h"
#include "core/model/decoder.h"
#include "core/model/statistics.h"

namespace headroom::analysis {

/// A batch and a number of positions.
struct OperatingPoint {
  int batch = 1;
  int positions = 0;
  bool operator==(const OperatingPoint&) const = default;
};

/// Decode steps at one point, measured in rounds that took turns with those of the other curves.
struct SpeedPoint {
  OperatingPoint at;
  std::vector<double> roundMs = {};  ///< one step: the mean of a round

  model::Spread stepMs() const { return model::spreadOf(roundMs); }
};

/// One layout with one kernel.
struct SpeedCurve {
  std::string name;    ///< for people
  std::string source;  ///< of the model
  int layerCount = 0;
  model::AttentionShape attention;
  model::AttentionKernel kernel = model::AttentionKernel::Shared;
  model::KvType kvType = model::KvType::F32;
  int trainedContext = 0;               ///< positions that the model was trained for; 0: not known
  std::vector<SpeedPoint> points = {};  ///< in the order in which they were asked for

  const SpeedPoint* find(const OperatingPoint& at) const;
  /// Whether both are of one model under one name, with the same kernel and cache type.
  bool isOf(const SpeedCurve& other) const;
  /// "MHA", "MHA f16, naive kernel": the name and what is not the usual.
  std::string title() const;
};

/// The curve of a model that is decoded so, without a point yet.
SpeedCurve emptyCurve(std::string name, std::string source, const model::ModelConfig& config,
                      model::AttentionKernel kernel, model::KvType kvType);

/// Whether two models have the same layers and query heads, so that KV heads are what is compared.
bool sameShape(int layerCount, const model::AttentionShape& heads, int otherLayerCount,
               const model::AttentionShape& otherHeads);

/// Whether a curve is what its model takes with `kernel`: where no heads share, both kernels load each key
/// once, and one of them is measured.
bool runsAs(const SpeedCurve& curve, model::AttentionKernel kernel);

/// What a sweep over contexts and batches measured.
struct SpeedMap {
  std::string device;
  std::string date;  ///< "2026-11-26 09:30"
  std::vector<SpeedCurve> curves;
  bool isComplete = false;  ///< false when it was cancelled: what was measured by then

  /// A further point of the curve that is of the same as `curve`, which begins with it where there is none.
  void add(const SpeedCurve& curve, SpeedPoint point);
};

/// Whether one may be compared with the other: models of one shape, the same kernel and cache type, and
/// `fast` with fewer KV heads.
bool comparable(const SpeedCurve& slow, const SpeedCurve& fast);
/// Speedups whose crossings are shown.
inline constexpr double kCrossings[] = {1.5, 2.0};

/// How many times as fast the one of two is, round by round: the times of whole rounds taken in turns, of
/// which both have at least one.
model::Spread speedupOfRounds(std::span<const double> slowMs, std::span<const double> fastMs);

/// speedupOfRounds() at a point. Nothing where not both were measured.
std::optional<model::Spread> measuredSpeedup(const SpeedCurve& slow, const SpeedCurve& fast,
                                             const OperatingPoint& at);

/// Where a speedup is crossed, between two contexts that were measured or at the first of them.
struct Crossing {
  OperatingPoint at;
  int low = 0;   ///< positions where the fastest rounds cross it, if these are fewer
  int high = 0;  ///< where the slowest do, if these are more; 0: not within what was measured
};
/// "1,759", with the range where rounds lie apart: "1,759 (1,024 to 2,048)", "1,759 (from 1,024)" where the
/// slowest rounds did not reach it.
std::string crossingText(const Crossing& crossing);
/// The first crossing of `goal` with growing context at `batch`: where both curves' lines have it, as they
/// are drawn, or of fewer than three contexts where the straight between two of them has.
std::optional<Crossing> crossing(double goal, const SpeedCurve& slow, const SpeedCurve& fast, int batch);

/// Time over context of one curve at `batch`: a robust line through the medians. Nothing of fewer than three
/// contexts.
std::optional<Line> contextLine(const SpeedCurve& curve, int batch);
/// Whether a sweep has a contextLine() for each of its curves, at the batch that it began with.
bool hasLines(const SpeedMap& map);

}  // namespace headroom::analysis
