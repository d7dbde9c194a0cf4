#include "core/model/token_order.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace headroom::model {

namespace {

/// Up to so many tokens are found by one pass that inserts into a short list.
constexpr int kShortList = 64;
/// What a search looks at first, where most of the weight is, and how much further it looks each time.
constexpr std::size_t kFirstLook = 64;
constexpr std::size_t kGrowth = 8;

float comparable(float logit) {
  return std::isnan(logit) ? -std::numeric_limits<float>::infinity() : logit;
}

struct IsBefore {
  const float* logits;
  bool operator()(int a, int b) const {
    const float first = comparable(logits[a]);
    const float second = comparable(logits[b]);
    return first != second ? first > second : a < b;
  }
};

std::vector<int> allTokens(std::size_t count) {
  std::vector<int> tokens(count);
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

}  // namespace

int placeOf(std::span<const float> logits, int token) {
  const IsBefore isBefore{logits.data()};
  int rank = 1;
  for (int other = 0; other < std::ssize(logits); ++other) rank += isBefore(other, token) ? 1 : 0;
  return rank;
}

RankedToken rankOf(std::span<const float> logits, int token) {
  if (token < 0 || token >= std::ssize(logits)) return {};
  float highest = -std::numeric_limits<float>::infinity();
  for (const float logit : logits) highest = std::max(highest, comparable(logit));
  double sum = 0.0;
  for (const float logit : logits) sum += softmaxWeight(logit, highest);
  const double weight = softmaxWeight(logits[static_cast<std::size_t>(token)], highest);
  return {token, placeOf(logits, token), static_cast<float>(weight / sum)};
}

std::vector<int> mostLikely(std::span<const float> logits, int count) {
  count = static_cast<int>(std::clamp<std::ptrdiff_t>(count, 0, std::ssize(logits)));
  const IsBefore isBefore{logits.data()};
  if (count > kShortList) {
    std::vector<int> tokens = allTokens(logits.size());
    std::ranges::nth_element(tokens, tokens.begin() + count, isBefore);
    tokens.resize(static_cast<std::size_t>(count));
    std::ranges::sort(tokens, isBefore);
    return tokens;
  }
  std::vector<int> tokens = allTokens(static_cast<std::size_t>(count));
  if (count == 0) return tokens;
  std::ranges::sort(tokens, isBefore);
  float last = comparable(logits[static_cast<std::size_t>(tokens.back())]);
  for (int token = count; token < std::ssize(logits); ++token) {
    // Also false for NaN. An equal one comes later in the order.
    if (!(logits[static_cast<std::size_t>(token)] > last)) continue;
    const auto place = std::ranges::upper_bound(tokens, token, isBefore);
    std::move_backward(place, tokens.end() - 1, tokens.end());
    *place = token;
    last = comparable(logits[static_cast<std::size_t>(tokens.back())]);
  }
  return tokens;
}

double softmaxWeight(float logit, float highest, double temperature) {
  // Infinity less infinity would be NaN.
  if (comparable(logit) == comparable(highest)) return 1.0;
  const double difference = static_cast<double>(comparable(logit)) - static_cast<double>(comparable(highest));
  return std::exp(difference / temperature);
}

RankSearch::RankSearch(std::span<const float> logits, double temperature)
    : m_logits(logits),
      m_temperature(temperature),
      m_highest(comparable(logits[static_cast<std::size_t>(mostLikely(logits, 1).front())])),
      m_tokens(allTokens(logits.size())) {}

double RankSearch::weightOf(int token) const {
  return softmaxWeight(m_logits[static_cast<std::size_t>(token)], m_highest, m_temperature);
}

double RankSearch::sum(std::size_t first, std::size_t last) const {
  double result = 0.0;
  for (std::size_t rank = first; rank < last; ++rank) result += weightOf(m_tokens[rank]);
  return result;
}

double RankSearch::total() const {
  return sum(0, m_tokens.size());
}

void RankSearch::partition(std::size_t first, std::size_t middle, std::size_t last) {
  if (middle >= last) return;
  const auto at = [&](std::size_t rank) { return m_tokens.begin() + static_cast<std::ptrdiff_t>(rank); };
  const IsBefore isBefore{m_logits.data()};
  // A heap of a few is faster than a partition of many.
  if (middle - first <= kFirstLook && last - first > kGrowth * kFirstLook) {
    std::partial_sort(at(first), at(middle), at(last), isBefore);
  } else {
    std::nth_element(at(first), at(middle), at(last), isBefore);
  }
}

void RankSearch::keep(std::size_t count) {
  if (count >= m_tokens.size()) return;
  partition(0, count, m_tokens.size());
  m_tokens.resize(count);
}

RankSearch::Found RankSearch::cut(double weight) {
  std::size_t first = 0;
  std::size_t last = std::min(kFirstLook, m_tokens.size());
  double before = 0.0;
  while (true) {
    partition(first, last, m_tokens.size());
    const double here = sum(first, last);
    if (before + here > weight || last == m_tokens.size()) break;
    before += here;
    first = last;
    last = std::min(last * kGrowth, m_tokens.size());
  }
  while (last - first > 1) {
    const std::size_t middle = first + (last - first) / 2;
    partition(first, middle, last);
    const double half = sum(first, middle);
    if (before + half > weight) {
      last = middle;
    } else {
      before += half;
      first = middle;
    }
  }
  m_tokens.resize(last);
  return {.rank = first, .token = m_tokens[first], .weightUpTo = before + weightOf(m_tokens[first])};
}

}  // namespace headroom::model
