#pragma once

#include <algorithm>
#include <list>
#include <span>
#include <vector>

#include "core/model/model.h"
#include "tests/support/random_model.h"

namespace headroom::tests {

/// A model some of whose tensors are copies that a test may change.
struct EditableModel {
  model::Model model;
  std::list<std::vector<float>> copies = {};

  /// Makes `tensor`, one of the model's, its own F32 copy, and gives the values, [rows][columns].
  std::span<float> edit(model::Tensor& tensor) {
    std::vector<float>& values = copies.emplace_back(tensor.toFloat());
    tensor = {model::Storage::F32, tensor.rows, tensor.columns, std::as_bytes(std::span(values))};
    return values;
  }
  void fill(model::Tensor& tensor, float value) {
    for (float& element : edit(tensor)) element = value;
  }
};

/// The token that overflows the model below in its second layer, and none before it.
inline constexpr int kPoison = 5;

/// A small llama with finite weights that counts: after token t, up to 8, comes t + 1. But layer 1 overflows
/// a float in its FFN when it reads kPoison: that token alone has a 1 in column 0 of the residual stream,
/// which gate and up read with weights of 1e30.
inline EditableModel overflowingModel() {
  EditableModel result{randomModel(smallConfig({4, 2, 16}), Output::Separate)};
  model::Weights& weights = result.model.weights;
  const auto columns = static_cast<std::size_t>(result.model.config.modelDim);
  for (model::LayerWeights& layer : weights.layers) {
    result.fill(layer.attentionOutput, 0.0f);
    result.fill(layer.ffnDown, 0.0f);
  }
  for (model::Tensor* tensor : {&weights.tokenEmbedding, &weights.output}) {
    const std::span<float> values = result.edit(*tensor);
    std::ranges::fill(values, 0.0f);
    const std::size_t shift = tensor == &weights.output ? 1 : 0;
    for (std::size_t token = 0; token < 9; ++token) values[(token + shift) * columns + 1 + token] = 1.0f;
    if (shift == 0) values[static_cast<std::size_t>(kPoison) * columns] = 1.0f;
  }
  for (model::Tensor* tensor : {&weights.layers[1].ffnGate, &weights.layers[1].ffnUp}) {
    const std::span<float> values = result.edit(*tensor);
    for (std::size_t row = 0; row < static_cast<std::size_t>(tensor->rows); ++row)
      values[row * columns] = 1e30f;
  }
  return result;
}

}  // namespace headroom::tests
