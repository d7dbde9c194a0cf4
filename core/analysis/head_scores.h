#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "core/model/step_record.h"

namespace headroom::analysis {

/// What one query head attends to, as means over the rows of a text behind its first position. a[i][j] is the
/// attention of position i to position j <= i, t the tokens.
struct HeadScores {
  double entropy = 0.0;       ///< -sum a ln a, nats; 0 looks at one position, ln(i + 1) at all alike
  double maxWeight = 0.0;     ///< max a
  double meanDistance = 0.0;  ///< sum a (i - j), positions
  double sinkMass = 0.0;      ///< a[i][0] (attention sinks: Xiao et al. 2023, arXiv 2309.17453)
  /// a[i][i - 1] (previous-token heads: Elhage et al. 2021, transformer-circuits.pub/2021/framework).
  double previousToken = 0.0;
  /// sum of a[i][j] over j < i with t[j] = t[i] (duplicate-token heads: Wang et al. 2022, arXiv 2211.00593).
  double duplicateToken = 0.0;
  /// sum of a[i][j + 1] over j < i with t[j] = t[i], the tokens that followed earlier copies of t[i], itself
  /// among them where it did; a mean over the positions that have such a copy, NaN without one (prefix
  /// matching of induction heads: Olsson et al. 2022, arXiv 2209.11895).
  double prefixMatching = std::numeric_limits<double>::quiet_NaN();
};

/// Sums of all heads over rows that come in any portions; takes constant memory.
class HeadScoreSums {
 public:
  HeadScoreSums(int layerCount, int queryHeadCount);

  /// Adds rows of every layer and query head, which were not pooled; `text` holds the tokens from position 0
  /// on, at least up to the last row.
  void add(const model::AttentionRows& rows, std::span<const int> text);
  /// Rows so far, position 0 of a text left out.
  std::int64_t rowCount() const { return m_rowCount; }
  /// Those of them whose token stands at an earlier position too: what prefixMatching is a mean over.
  std::int64_t prefixRowCount() const { return m_prefixRowCount; }
  /// Zeros while there is no row, but for prefixMatching.
  HeadScores mean(int layer, int queryHead) const;

 private:
  int m_queryHeadCount;
  std::int64_t m_rowCount = 0;
  std::int64_t m_prefixRowCount = 0;
  std::vector<HeadScores> m_sums;  // [layer][query head]
};

/// Attention to the token behind the earlier copy of the one that looks, in a text that is said again and
/// again: mean of a[i][i - period + 1] over all positions from `period` on (induction heads: Olsson et al.
/// 2022, arXiv 2209.11895).
class InductionSums {
 public:
  InductionSums(int layerCount, int queryHeadCount, int firstPosition, int period);

  /// Adds rows as HeadScoreSums does.
  void add(const model::AttentionRows& rows);
  /// 0 while there is no row.
  double mean(int layer, int queryHead) const;

 private:
  int m_queryHeadCount;
  int m_firstPosition;  ///< of the second copy
  int m_period;
  std::int64_t m_rowCount = 0;
  std::vector<double> m_sums;  // [layer][query head]
};

}  // namespace headroom::analysis
