#include "core/model/sampler.h"

#include <cmath>

#include "core/model/error.h"
#include "core/model/token_order.h"

namespace headroom::model {

Sampler::Sampler(const SamplingOptions& options) : m_options(options), m_random(options.seed) {}

void Sampler::reset() {
  m_random.seed(m_options.seed);
  m_choices = 0;
}

void Sampler::skip(int choices) {
  // pick() takes one number unless it is greedy.
  if (m_options.temperature > 0.0f) m_random.discard(static_cast<unsigned long long>(choices));
  m_choices += choices;
}

int Sampler::pick(std::span<const float> logits) {
  if (logits.empty()) throw Error("There are no logits to choose a token from, expected one per token.");
  ++m_choices;
  if (m_options.temperature <= 0.0f) return mostLikely(logits, 1).front();
  RankSearch search(logits, static_cast<double>(m_options.temperature));
  if (m_options.topK > 0) search.keep(static_cast<std::size_t>(m_options.topK));
  double sum = search.total();
  if (m_options.topP < 1.0f) {
    // The share itself is enough: more than the number below it.
    sum = search.cut(std::nextafter(static_cast<double>(m_options.topP) * sum, 0.0)).weightUpTo;
  }
  // 53 random bits, the same on every standard library.
  const double share = static_cast<double>(m_random() >> 11) * 0x1.0p-53;
  return search.cut(share * sum).token;
}

}  // namespace headroom::model
