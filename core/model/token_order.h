#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace headroom::model {

/// Tokens have an order by logit, the highest first; of equal ones the lower id comes first, and NaN counts
/// as minus infinity, so that any logits have it. Nobody sorts a vocabulary of 128,000 for it.

/// The `count` first tokens of that order.
std::vector<int> mostLikely(std::span<const float> logits, int count);

/// Where a token stands in that order, and how likely it is.
struct RankedToken {
  int token = -1;
  int rank = 0;              ///< 1 for the first of the order; 0: not known
  float probability = 0.0f;  ///< softmax of the raw logits

  bool known() const { return rank > 0; }
  bool operator==(const RankedToken&) const = default;
};
/// The rank of a token that `logits` [vocabSize] have, from 1.
int placeOf(std::span<const float> logits, int token);
/// Not known where `logits` [vocabSize] do not have the token.
RankedToken rankOf(std::span<const float> logits, int token);

/// The weight of a logit in softmax before the division, 1 for the highest; of infinite ones and NaN too.
double softmaxWeight(float logit, float highest, double temperature = 1.0);

/// Finds tokens by the weights that stand before them in the order. Each search partitions what is left to
/// look at, and throws away the part where the token is not.
class RankSearch {
 public:
  /// `logits` outlive it and are not empty.
  RankSearch(std::span<const float> logits, double temperature);

  /// Goes on with the first `count` tokens of the order only.
  void keep(std::size_t count);
  /// Weights of all tokens that are kept.
  double total() const;

  struct Found {
    std::size_t rank = 0;
    int token = 0;
    double weightUpTo = 0.0;  ///< of this and all before it
  };
  /// The first token with which the weights add up to more than `weight`; the last one if none does. Keeps
  /// it and those before it.
  Found cut(double weight);

 private:
  double weightOf(int token) const;
  double sum(std::size_t first, std::size_t last) const;
  /// Brings the tokens of the order's ranks `first` to `middle` there, when `first` to `last` are in place.
  void partition(std::size_t first, std::size_t middle, std::size_t last);

  std::span<const float> m_logits;
  double m_temperature;
  float m_highest;
  std::vector<int> m_tokens;  ///< the kept ones, by ranks as far as they were looked at
};

}  // namespace headroom::model
