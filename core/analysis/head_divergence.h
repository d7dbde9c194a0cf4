#pragma once

#include <cstdint>
#include <vector>

#include "core/model/config.h"
#include "core/model/step_record.h"

namespace headroom::analysis {

/// How unlike the heads of each layer look at a text.
struct HeadDivergences {
  int queryHeadCount = 0;
  std::int64_t rowCount = 0;  ///< attention rows that these are means over
  /// [layer][head * queryHeadCount + other head]: mean Jensen-Shannon divergence of their attention rows,
  /// nats: 0 the same, ln 2 nothing in common (Lin 1991, IEEE Trans. Inf. Theory 37). Symmetric, 0 with
  /// itself.
  std::vector<std::vector<double>> layers;

  double between(int layer, int head, int other) const {
    return layers[static_cast<std::size_t>(layer)][static_cast<std::size_t>(head * queryHeadCount + other)];
  }
};

/// Sums of all pairs of heads over rows that come in any portions; takes constant memory.
class HeadDivergenceSums {
 public:
  /// Of every `every`-th position, as pairs are many; position 0, where all heads are alike, counts never.
  HeadDivergenceSums(int layerCount, int queryHeadCount, int every);

  /// Adds rows of every layer and query head, which were not pooled.
  void add(const model::AttentionRows& rows);
  HeadDivergences means() const;

 private:
  int m_queryHeadCount;
  int m_every;
  std::int64_t m_rowCount = 0;
  std::vector<std::vector<double>> m_sums;  // [layer][head * queryHeadCount + other], of head < other
};

/// Mean over pairs of heads of all layers, and the standard deviation of these pairs.
struct PairSummary {
  double mean = 0.0;
  double deviation = 0.0;
  int pairs = 0;
};
/// Of pairs that read one KV head, and of those that do not.
struct DivergenceSummary {
  PairSummary within;
  PairSummary across;
};
DivergenceSummary summarise(const HeadDivergences& divergences, const model::AttentionShape& attention);

}  // namespace headroom::analysis
