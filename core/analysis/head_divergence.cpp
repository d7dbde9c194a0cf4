#include "core/analysis/head_divergence.h"

#include <cmath>
#include <span>

namespace headroom::analysis {

namespace {

double entropyTerm(double share) {
  return share > 0.0 ? share * std::log(share) : 0.0;
}

/// sum p ln p of a row.
double negativeEntropy(std::span<const float> row) {
  double sum = 0.0;
  for (const float share : row) sum += entropyTerm(share);
  return sum;
}

/// The same of the mean of two rows.
double negativeEntropyOfMean(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t index = 0; index < a.size(); ++index)
    sum += entropyTerm(0.5 * (static_cast<double>(a[index]) + static_cast<double>(b[index])));
  return sum;
}

}  // namespace

HeadDivergenceSums::HeadDivergenceSums(int layerCount, int queryHeadCount, int every)
    : m_queryHeadCount(queryHeadCount),
      m_every(every),
      m_sums(static_cast<std::size_t>(layerCount),
             std::vector<double>(static_cast<std::size_t>(queryHeadCount * queryHeadCount))) {}

void HeadDivergenceSums::add(const model::AttentionRows& rows) {
  std::vector<double> own(static_cast<std::size_t>(m_queryHeadCount));
  for (int row = 0; row < rows.rowCount; ++row) {
    const int position = rows.firstPosition + row;
    if (position == 0 || position % m_every != 0) continue;
    ++m_rowCount;
    for (std::size_t layer = 0; layer < m_sums.size(); ++layer) {
      const auto rowOf = [&](int head) { return rows.row(static_cast<int>(layer), head, row); };
      for (int head = 0; head < m_queryHeadCount; ++head)
        own[static_cast<std::size_t>(head)] = negativeEntropy(rowOf(head));
      for (int head = 0; head < m_queryHeadCount; ++head) {
        for (int other = head + 1; other < m_queryHeadCount; ++other) {
          // H((p + q) / 2) - (H(p) + H(q)) / 2
          m_sums[layer][static_cast<std::size_t>(head * m_queryHeadCount + other)] +=
              0.5 * (own[static_cast<std::size_t>(head)] + own[static_cast<std::size_t>(other)]) -
              negativeEntropyOfMean(rowOf(head), rowOf(other));
        }
      }
    }
  }
}

HeadPairs HeadDivergenceSums::means() const {
  HeadPairs means{.headCount = m_queryHeadCount, .rowCount = m_rowCount, .layers = m_sums};
  for (std::vector<double>& layer : means.layers) {
    for (int head = 0; head < m_queryHeadCount; ++head) {
      for (int other = head + 1; other < m_queryHeadCount; ++other) {
        double& mean = layer[static_cast<std::size_t>(head * m_queryHeadCount + other)];
        // Rounding may leave a little less than nothing of rows that are the same.
        mean = m_rowCount > 0 ? std::max(0.0, mean / static_cast<double>(m_rowCount)) : 0.0;
        layer[static_cast<std::size_t>(other * m_queryHeadCount + head)] = mean;
      }
    }
  }
  return means;
}

}  // namespace headroom::analysis
