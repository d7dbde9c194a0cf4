#pragma once

#include <cstdint>
#include <vector>

#include "core/model/config.h"

namespace headroom::analysis {

/// How two heads of a layer compare, of all pairs: a matrix of each layer.
struct HeadPairs {
  int headCount = 0;          ///< of a layer: its query heads or its KV heads
  std::int64_t rowCount = 0;  ///< positions that the values are of
  /// [layer][head * headCount + other head], symmetric; NaN where two heads have no such value. No layers:
  /// nothing was compared.
  std::vector<std::vector<double>> layers;

  double between(int layer, int head, int other) const {
    return layers[static_cast<std::size_t>(layer)][static_cast<std::size_t>(head * headCount + other)];
  }
};

/// Mean over pairs of heads of all layers, and the standard deviation of these pairs. Pairs without a value
/// do not count.
struct PairSummary {
  double mean = 0.0;
  double deviation = 0.0;
  int pairs = 0;
};
/// Of pairs of query heads that read one KV head, and of those that do not.
struct SharingSummary {
  PairSummary within;
  PairSummary across;
};
/// Of pairs of query heads of a model with that attention.
SharingSummary summarise(const HeadPairs& pairs, const model::AttentionShape& attention);
/// Of all pairs of different heads.
PairSummary summariseAll(const HeadPairs& pairs);

}  // namespace headroom::analysis
