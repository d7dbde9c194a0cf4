#pragma once

#include <span>

#include "tests/support/edited_model.h"

namespace headroom::tests {

/// Two layers that continue what was said before, put together by hand (induction: Elhage et al. 2021,
/// transformer-circuits.pub/2021/framework). The residual stream has four stretches of kAxes elements: the
/// token's own axis, the position's, the axis of the token before, and one that nothing reads.
struct InductionCircuit {
  static constexpr int kAxes = 16;          ///< tokens, positions, and elements of a head
  static constexpr double kMatch = 0.375;   ///< score of a query that matches its key, of vectors of length 1
  static constexpr double kWritten = 0.25;  ///< what layer 0 makes of a normed token that it looks at
  static constexpr int kModelDim = 4 * kAxes;
};

/// Layer 0: head 0 looks at the position before and writes its token into the third stretch; head 1 looks at
/// all positions alike and writes their tokens into the fourth. Layer 1: heads 0 and 1, alike in everything,
/// look where the token before is the present one, and write the token there. All other heads write nothing.
/// RMSNorm without gains, learned positions, no FFN, tied output; KV heads of a layer are alike.
inline EditableModel inductionModel(int queryHeads, int kvHeads) {
  constexpr auto kAxes = static_cast<std::size_t>(InductionCircuit::kAxes);
  model::ModelConfig config = smallConfig({queryHeads, kvHeads, InductionCircuit::kAxes});
  config.modelDim = InductionCircuit::kModelDim;
  config.contextLength = InductionCircuit::kAxes;
  config.attentionScale = 1.0f;
  config.traits.positions = model::Positions::Learned;
  EditableModel result{randomModel(config, Output::Tied)};
  model::Weights& weights = result.model.weights;
  const auto columns = static_cast<std::size_t>(config.modelDim);
  const auto queryDim = static_cast<std::size_t>(config.attention.queryDim());
  /// `weight` where row and column, counted from the given ones on, are the same axis.
  const auto put = [&](std::span<float> matrix, std::size_t width, std::size_t row, std::size_t column,
                       float weight) {
    for (std::size_t axis = 0; axis < kAxes; ++axis) matrix[(row + axis) * width + column + axis] = weight;
  };
  const auto cleared = [&](model::Tensor& tensor) {
    const std::span<float> values = result.edit(tensor);
    std::ranges::fill(values, 0.0f);
    return values;
  };
  put(cleared(weights.tokenEmbedding), columns, 0, 0, 1.0f);
  weights.output = weights.tokenEmbedding;
  put(cleared(weights.positionEmbedding), columns, 0, kAxes, 1.0f);
  result.fill(weights.outputNorm, 1.0f);
  constexpr auto kMatch = static_cast<float>(InductionCircuit::kMatch);
  for (std::size_t index = 0; index < 2; ++index) {
    model::LayerWeights& layer = weights.layers[index];
    result.fill(layer.attentionNorm, 1.0f);
    cleared(layer.ffnDown);
    const std::span<float> query = cleared(layer.query), key = cleared(layer.key),
                           value = cleared(layer.value), output = cleared(layer.attentionOutput);
    for (std::size_t head = 0; head < static_cast<std::size_t>(kvHeads); ++head) {
      put(value, columns, head * kAxes, 0, 1.0f);
      if (index == 1) {
        put(key, columns, head * kAxes, 2 * kAxes, 1.0f);
      } else {
        // Position j answers as the one before j + 1.
        for (std::size_t axis = 0; axis + 1 < kAxes; ++axis)
          key[(head * kAxes + axis + 1) * columns + kAxes + axis] = 1.0f;
      }
    }
    if (index == 0) {
      put(query, columns, 0, kAxes, kMatch);
      put(output, queryDim, 2 * kAxes, 0, static_cast<float>(InductionCircuit::kWritten));
      put(output, queryDim, 3 * kAxes, kAxes, static_cast<float>(InductionCircuit::kWritten));
    } else {
      put(query, columns, 0, 0, kMatch);
      put(query, columns, kAxes, 0, kMatch);
      put(output, queryDim, 0, 0, 1.0f);
      put(output, queryDim, 0, kAxes, 1.0f);
    }
  }
  return result;
}

}  // namespace headroom::tests
