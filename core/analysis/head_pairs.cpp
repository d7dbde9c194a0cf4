#include "core/analysis/head_pairs.h"

#include <algorithm>
#include <cmath>

namespace headroom::analysis {

namespace {

class PairMoments {
 public:
  void add(double value) {
    if (std::isnan(value)) return;
    ++m_count;
    m_sum += value;
    m_squares += value * value;
  }
  PairSummary summary() const {
    if (m_count == 0) return {};
    const double mean = m_sum / m_count;
    return {mean, std::sqrt(std::max(0.0, m_squares / m_count - mean * mean)), m_count};
  }

 private:
  int m_count = 0;
  double m_sum = 0.0;
  double m_squares = 0.0;
};

/// `take` each pair of different heads, once, with its value.
template <typename Take>
void forPairs(const HeadPairs& pairs, const Take& take) {
  for (int layer = 0; layer < static_cast<int>(pairs.layers.size()); ++layer) {
    for (int head = 0; head < pairs.headCount; ++head) {
      for (int other = head + 1; other < pairs.headCount; ++other)
        take(head, other, pairs.between(layer, head, other));
    }
  }
}

}  // namespace

SharingSummary summarise(const HeadPairs& pairs, const model::AttentionShape& attention) {
  PairMoments within, across;
  forPairs(pairs, [&](int head, int other, double value) {
    (attention.kvHeadOf(head) == attention.kvHeadOf(other) ? within : across).add(value);
  });
  return {within.summary(), across.summary()};
}

PairSummary summariseAll(const HeadPairs& pairs) {
  PairMoments all;
  forPairs(pairs, [&](int, int, double value) { all.add(value); });
  return all.summary();
}

}  // namespace headroom::analysis
