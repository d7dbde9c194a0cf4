#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/evaluation/text_loss.h"

namespace headroom::evaluation {

/// How far next-token distributions moved, as means over positions.
struct DistributionChange {
  /// D(before || after) = sum of p_before ln(p_before / p_after), nats (Kullback and Leibler 1951).
  double divergence = 0.0;
  double topChanges = 0.0;  ///< share of positions whose most likely token is another, 0 to 1
  /// |rank after - rank before| of the token that came, in the order of model::mostLikely().
  double rankChange = 0.0;
};

/// What of a change is larger than noise; nothing where it is not.
struct SeenChange {
  std::optional<double> divergence;
  std::optional<double> topChanges;
  std::optional<double> rankChange;
};
SeenChange seenAbove(const DistributionChange& noise, const DistributionChange& change);

/// The distributions of a text that others are compared with: all of them or, where their logits would take
/// more memory than they may, every second, third, ... one.
class KeptDistributions {
 public:
  /// 256 MiB of logits: 16,384 positions of a vocabulary of 4,096, 523 of one of 128,256.
  static constexpr std::int64_t kMostLogits = std::int64_t{1} << 26;

  /// Of a text of which `predicted` tokens are predicted; at most `mostLogits`, but of one position always.
  KeptDistributions(std::int64_t predicted, int vocabSize, std::int64_t mostLogits = kMostLogits);

  /// Positions of the text for each one that is kept, the first of them among these.
  std::int64_t stride() const { return m_stride; }
  std::int64_t positions() const { return m_positions; }

  /// Keeps `row` where it is one of those; rows come by index, each once.
  void keep(const PredictedRow& row);
  /// Adds how far `row`, of the same text read otherwise, lies from the kept one, to what mean() tells.
  void compare(const PredictedRow& row);
  /// Of all rows that were compared since the last call.
  DistributionChange takeMean();
  /// The divergence that rounding each logit to a float can make at most, mean over the kept positions.
  double roundedDivergence() const;

 private:
  /// What is known of a kept row besides its logits.
  struct Known {
    double logSumExp = 0.0;
    int top = 0;
    int rank = 0;
    double roundedDivergence = 0.0;
  };

  std::int64_t m_stride;
  std::int64_t m_positions;
  std::vector<float> m_logits;  ///< [kept position][vocabSize]
  std::vector<Known> m_known;
  DistributionChange m_sum;
  std::int64_t m_compared = 0;
};

}  // namespace headroom::evaluation
