#include "core/model/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace headroom::model {

Sampler::Sampler(const SamplingOptions& options) : m_options(options), m_random(options.seed) {}

void Sampler::reset() {
  m_random.seed(m_options.seed);
}

int Sampler::pick(std::span<const float> logits) {
  if (m_options.temperature <= 0.0f) {
    return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  if (m_options.topK > 0 && m_options.topK < std::ssize(order)) order.resize(m_options.topK);

  std::vector<double> weights(order.size());
  double sum = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    weights[i] = std::exp((static_cast<double>(logits[order[i]]) - logits[order[0]]) / m_options.temperature);
    sum += weights[i];
  }
  if (m_options.topP < 1.0f) {
    double kept = 0.0;
    std::size_t count = 0;
    while (count < weights.size() && (count == 0 || kept < m_options.topP * sum)) kept += weights[count++];
    weights.resize(count);
    sum = kept;
  }
  // 53 random bits, the same on every standard library.
  double remaining = static_cast<double>(m_random() >> 11) * 0x1.0p-53 * sum;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    remaining -= weights[i];
    if (remaining < 0.0) return order[i];
  }
  return order[weights.size() - 1];
}

}  // namespace headroom::model
