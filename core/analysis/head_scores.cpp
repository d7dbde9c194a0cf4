#include "core/analysis/head_scores.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace headroom::analysis {

namespace {

/// Earlier positions with the token of `position`.
std::vector<std::size_t> duplicatesOf(std::span<const int> text, std::size_t position) {
  std::vector<std::size_t> earlier;
  for (std::size_t at = 0; at < position; ++at) {
    if (text[at] == text[position]) earlier.push_back(at);
  }
  return earlier;
}

void addRow(HeadScores& sums, std::span<const float> row, std::span<const std::size_t> duplicates) {
  const std::size_t query = row.size() - 1;
  double entropy = 0.0, distance = 0.0;
  float highest = 0.0f;
  for (std::size_t at = 0; at <= query; ++at) {
    const double attention = row[at];
    if (attention > 0.0) entropy -= attention * std::log(attention);
    distance += attention * static_cast<double>(query - at);
    highest = std::max(highest, row[at]);
  }
  sums.entropy += entropy;
  sums.maxWeight += static_cast<double>(highest);
  sums.meanDistance += distance;
  sums.sinkMass += static_cast<double>(row[0]);
  sums.previousToken += static_cast<double>(row[query - 1]);
  for (const std::size_t at : duplicates) {
    sums.duplicateToken += static_cast<double>(row[at]);
    sums.prefixMatching += static_cast<double>(row[at + 1]);
  }
}

std::size_t indexOf(int layer, int queryHead, int queryHeadCount) {
  return static_cast<std::size_t>(layer) * static_cast<std::size_t>(queryHeadCount) +
         static_cast<std::size_t>(queryHead);
}

}  // namespace

HeadScoreSums::HeadScoreSums(int layerCount, int queryHeadCount)
    : m_queryHeadCount(queryHeadCount),
      m_sums(indexOf(layerCount, 0, queryHeadCount), {.prefixMatching = 0.0}) {}

void HeadScoreSums::add(const model::AttentionRows& rows, std::span<const int> text) {
  assert(rows.pooling == 1 && rows.layers.size() * rows.queryHeads.size() == m_sums.size());
  for (int row = 0; row < rows.rowCount; ++row) {
    const auto position = static_cast<std::size_t>(rows.firstPosition + row);
    if (position == 0) continue;
    const std::vector<std::size_t> duplicates = duplicatesOf(text, position);
    if (!duplicates.empty()) ++m_prefixRowCount;
    for (int layer = 0; layer < static_cast<int>(std::ssize(rows.layers)); ++layer) {
      for (int head = 0; head < m_queryHeadCount; ++head)
        addRow(m_sums[indexOf(layer, head, m_queryHeadCount)], rows.row(layer, head, row), duplicates);
    }
    ++m_rowCount;
  }
}

HeadScores HeadScoreSums::mean(int layer, int queryHead) const {
  if (m_rowCount == 0) return {};
  const HeadScores& sums = m_sums[indexOf(layer, queryHead, m_queryHeadCount)];
  const auto count = static_cast<double>(m_rowCount);
  return {.entropy = sums.entropy / count,
          .maxWeight = sums.maxWeight / count,
          .meanDistance = sums.meanDistance / count,
          .sinkMass = sums.sinkMass / count,
          .previousToken = sums.previousToken / count,
          .duplicateToken = sums.duplicateToken / count,
          .prefixMatching = m_prefixRowCount > 0 ? sums.prefixMatching / static_cast<double>(m_prefixRowCount)
                                                 : std::numeric_limits<double>::quiet_NaN()};
}

InductionSums::InductionSums(int layerCount, int queryHeadCount, int firstPosition, int period)
    : m_queryHeadCount(queryHeadCount),
      m_firstPosition(firstPosition),
      m_period(period),
      m_sums(indexOf(layerCount, 0, queryHeadCount)) {}

void InductionSums::add(const model::AttentionRows& rows) {
  for (int row = 0; row < rows.rowCount; ++row) {
    const int position = rows.firstPosition + row;
    if (position < m_firstPosition) continue;
    const auto behindCopy = static_cast<std::size_t>(position - m_period + 1);
    for (int layer = 0; layer < static_cast<int>(std::ssize(rows.layers)); ++layer) {
      for (int head = 0; head < m_queryHeadCount; ++head) {
        m_sums[indexOf(layer, head, m_queryHeadCount)] +=
            static_cast<double>(rows.row(layer, head, row)[behindCopy]);
      }
    }
    ++m_rowCount;
  }
}

double InductionSums::mean(int layer, int queryHead) const {
  if (m_rowCount == 0) return 0.0;
  return m_sums[indexOf(layer, queryHead, m_queryHeadCount)] / static_cast<double>(m_rowCount);
}

}  // namespace headroom::analysis
