#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/head_pairs.h"
#include "core/model/step_record.h"

namespace headroom::analysis {

/// How unlike the heads of each layer look at a text: Jensen-Shannon divergence of their attention rows,
/// nats: 0 the same, ln 2 nothing in common (Lin 1991, IEEE Trans. Inf. Theory 37); 0 with itself. Sums of
/// all pairs of query heads over rows that come in any portions; takes constant memory.
class HeadDivergenceSums {
 public:
  /// Of every `every`-th position, as pairs are many; position 0, where all heads are alike, counts never.
  HeadDivergenceSums(int layerCount, int queryHeadCount, int every);

  /// Adds rows of every layer and query head, which were not pooled.
  void add(const model::AttentionRows& rows);
  HeadPairs means() const;

 private:
  int m_queryHeadCount;
  int m_every;
  std::int64_t m_rowCount = 0;
  std::vector<std::vector<double>> m_sums;  // [layer][head * queryHeadCount + other], of head < other
};

}  // namespace headroom::analysis
