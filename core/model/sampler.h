#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <span>

namespace headroom::model {

/// What a number that somebody chooses may be.
template <typename Number>
struct Range {
  Number least;
  Number most;

  /// The nearest number within; the least for one that is none.
  constexpr Number nearest(Number value) const {
    return value >= least ? (value <= most ? value : most) : least;
  }
};

/// How tokens are chosen; as it is made, always the most likely one.
struct SamplingOptions {
  static constexpr Range<float> kTemperatures{0.0f, 100.0f};
  static constexpr Range<int> kTopKs{0, std::numeric_limits<int>::max()};
  static constexpr Range<float> kTopPs{0.0f, 1.0f};

  float temperature = 0.0f;  ///< 0 is greedy
  int topK = 0;              ///< keep the K most likely; 0 keeps all
  float topP = 1.0f;         ///< keep the smallest set with at least this probability
  std::uint64_t seed = 1;

  /// What a reader is shown until he chooses otherwise: sampled, because small models repeat themselves when
  /// greedy; the seed makes the first start the same for all.
  static SamplingOptions forReading() { return {.temperature = 0.8f, .topP = 0.95f}; }
  bool operator==(const SamplingOptions&) const = default;
};

/// Picks the next token from logits. The same options, logits and number of calls since construction or
/// reset() give the same token.
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options);

  /// NaN is never picked unless there is nothing else. Throws Error without logits.
  int pick(std::span<const float> logits);
  void reset();
  /// As if pick() had been called so many times.
  void skip(int choices);
  /// Calls of pick() since construction or reset().
  int choiceCount() const { return m_choices; }
  const SamplingOptions& options() const { return m_options; }

 private:
  SamplingOptions m_options;
  std::mt19937_64 m_random;
  int m_choices = 0;
};

}  // namespace headroom::model
