#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

/// Losses worked out from whole logits in double, without the project's own sums.
namespace headroom::tests {

/// -ln softmax(logits)[token].
template <typename Number>
double natsOf(std::span<const Number> logits, int token) {
  const double highest = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0.0;
  for (const Number logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  return std::log(sum) + highest - static_cast<double>(logits[static_cast<std::size_t>(token)]);
}

/// Of each of `targets` by its row of `logits`, [rows][vocab].
template <typename Number>
std::vector<double> natsOfRows(std::span<const Number> logits, std::span<const int> targets,
                               std::size_t vocabSize) {
  std::vector<double> nats;
  for (std::size_t row = 0; row < targets.size(); ++row)
    nats.push_back(natsOf(logits.subspan(row * vocabSize, vocabSize), targets[row]));
  return nats;
}

struct MeanByHand {
  double mean = 0.0;
  double standardError = 0.0;
};
inline MeanByHand meanByHand(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  MeanByHand result;
  for (const double value : values) result.mean += value / count;
  double variance = 0.0;
  for (const double value : values) variance += (value - result.mean) * (value - result.mean) / (count - 1.0);
  result.standardError = std::sqrt(variance / count);
  return result;
}

}  // namespace headroom::tests
