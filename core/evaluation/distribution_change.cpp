#include "core/evaluation/distribution_change.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "core/model/token_order.h"

namespace headroom::evaluation {

namespace {

/// Rounding moves a logit by half a step between floats, so two of them lie apart by at most a step more or
/// less than they should: ln of the mean of exp(x) is at most range^2 / 8 above the mean of x (Hoeffding
/// 1963), and the range of x is two steps.
double roundedDivergenceOf(std::span<const float> logits) {
  float largest = 0.0f;
  for (const float logit : logits) largest = std::max(largest, std::abs(logit));
  const double step = static_cast<double>(std::nextafter(largest, std::numeric_limits<float>::infinity())) -
                      static_cast<double>(largest);
  return step * step / 2.0;
}

}  // namespace

SeenChange seenAbove(const DistributionChange& noise, const DistributionChange& change) {
  const auto seen = [](double value, double floor) {
    return value > floor ? std::optional(value) : std::nullopt;
  };
  return {.divergence = seen(change.divergence, noise.divergence),
          .topChanges = seen(change.topChanges, noise.topChanges),
          .rankChange = seen(change.rankChange, noise.rankChange)};
}

KeptDistributions::KeptDistributions(std::int64_t predicted, int vocabSize, std::int64_t mostLogits) {
  const std::int64_t most = std::max<std::int64_t>(mostLogits / vocabSize, 1);
  m_stride = std::max<std::int64_t>((predicted + most - 1) / most, 1);
  m_positions = (predicted + m_stride - 1) / m_stride;
  m_logits.reserve(static_cast<std::size_t>(m_positions) * static_cast<std::size_t>(vocabSize));
  m_known.reserve(static_cast<std::size_t>(m_positions));
}

void KeptDistributions::keep(const PredictedRow& row) {
  if (row.index % m_stride != 0) return;
  m_logits.insert(m_logits.end(), row.logits.begin(), row.logits.end());
  m_known.push_back({.logSumExp = row.logSumExp,
                     .top = model::mostLikely(row.logits, 1).front(),
                     .rank = model::placeOf(row.logits, row.target),
                     .roundedDivergence = roundedDivergenceOf(row.logits)});
}

void KeptDistributions::compare(const PredictedRow& row) {
  if (row.index % m_stride != 0) return;
  const auto at = static_cast<std::size_t>(row.index / m_stride);
  const Known& before = m_known.at(at);
  const auto kept = std::span<const float>(m_logits).subspan(at * row.logits.size(), row.logits.size());
  double divergence = 0.0;
  for (std::size_t token = 0; token < kept.size(); ++token) {
    const double logBefore = static_cast<double>(kept[token]) - before.logSumExp;
    const double logAfter = static_cast<double>(row.logits[token]) - row.logSumExp;
    divergence += std::exp(logBefore) * (logBefore - logAfter);
  }
  // Not negative but for the rounding of these sums.
  m_sum.divergence += std::max(divergence, 0.0);
  if (model::mostLikely(row.logits, 1).front() != before.top) m_sum.topChanges += 1.0;
  m_sum.rankChange += std::abs(model::placeOf(row.logits, row.target) - before.rank);
  ++m_compared;
}

DistributionChange KeptDistributions::takeMean() {
  const auto count = static_cast<double>(std::max<std::int64_t>(std::exchange(m_compared, 0), 1));
  const DistributionChange sum = std::exchange(m_sum, {});
  return {.divergence = sum.divergence / count,
          .topChanges = sum.topChanges / count,
          .rankChange = sum.rankChange / count};
}

double KeptDistributions::roundedDivergence() const {
  double sum = 0.0;
  for (const Known& row : m_known) sum += row.roundedDivergence;
  return sum / static_cast<double>(std::max<std::size_t>(m_known.size(), 1));
}

}  // namespace headroom::evaluation
