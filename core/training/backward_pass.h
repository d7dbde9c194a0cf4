#pragma once

#include <memory>
#include <span>

#include "core/model/config.h"
#include "core/training/parameters.h"

namespace headroom::training {

/// Forward and backward pass of one sequence through a llama model with tied embeddings. Keeps its own
/// activations, so each thread needs one of its own. Scalar is float for training and double for checks.
template <typename Scalar>
class BackwardPass {
 public:
  BackwardPass(const model::ModelConfig& config, const ParameterLayout& layout, int maxTokens);
  ~BackwardPass();
  BackwardPass(BackwardPass&&) noexcept;

  /// Summed cross entropy, in nats, of predicting tokens[i + 1] from tokens[0..i], for i in
  /// [firstScored, tokens.size() - 1). `tokens` holds at most maxTokens + 1 ids.
  double loss(std::span<const Scalar> parameters, std::span<const int> tokens, int firstScored = 0);

  /// The same loss over all positions; adds scale x its gradient to `gradient` of [layout.size()].
  double lossAndGradient(std::span<const Scalar> parameters, std::span<const int> tokens, Scalar scale,
                         std::span<Scalar> gradient);

 private:
  struct State;
  std::unique_ptr<State> m_state;
};

extern template class BackwardPass<float>;
extern template class BackwardPass<double>;

}  // namespace headroom::training
