#pragma once

#include <cstdint>
#include <random>
#include <span>

namespace headroom::model {

struct SamplingOptions {
  float temperature = 0.0f;  ///< 0 is greedy
  int topK = 0;              ///< keep the K most likely; 0 keeps all
  float topP = 1.0f;         ///< keep the smallest set with at least this probability
  std::uint64_t seed = 1;
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
