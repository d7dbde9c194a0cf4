#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/analysis/speed_map.h"

namespace headroom::analysis {

/// What the times of a sweep are shown over.
enum class SpeedOver { Context, Batch };

/// A point of a curve: positions or sequences, and the time of a step there.
struct SpeedSample {
  double x = 0.0;
  model::Spread ms;
};

/// The part of a sweep that a chart shows: all contexts at its first batch, or all batches at one context.
struct SpeedView {
  int batch = 1;      ///< at which contexts are compared
  int positions = 0;  ///< at which batches are: where the sweep has more than the first batch
  double last = 0.0;  ///< the farthest x that was measured
  /// Over contexts: what the first of the models was trained for that was timed beyond it.
  std::optional<int> untrainedFrom = {};
  std::vector<std::vector<SpeedSample>> samples;  ///< [curve], ascending in x

  bool isEmpty() const { return last <= 0.0; }
};
SpeedView speedView(const SpeedMap& map, SpeedOver over);

/// How much farther than was measured lines over the context are drawn.
inline constexpr double kBeyondMeasured = 1.5;

/// Where a curve of the shared kernel becomes a goal of kCrossings times as fast as that with the most KV
/// heads that it may be compared with.
struct CurveCrossing {
  std::size_t curve = 0;
  std::size_t against = 0;  ///< the curve of that with the most
  double goal = 0.0;
  Crossing crossing;
};
std::vector<CurveCrossing> crossingsAt(const SpeedMap& map, int batch);

}  // namespace headroom::analysis
