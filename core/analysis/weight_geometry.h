#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/model/config.h"

namespace headroom::analysis {

/// Whether a model's output projection has weights of its own or uses those of the embedding.
enum class OutputProjection { Own, Tied };

/// One matrix of a model, as its weights map x of [columns] to y of [rows].
struct WeightMatrix {
  std::string_view symbol;  ///< "W_Q", "gate"
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int count = 1;  ///< how often the model has it: once per layer, or once

  /// W_K and W_V: what shrinks when query heads share keys and values.
  bool isSharedByHeads() const { return symbol == "W_K" || symbol == "W_V"; }
  std::int64_t parameters() const { return rows * columns; }
  std::int64_t parametersOfAll() const { return parameters() * count; }
};

/// Shapes and parameters of all matrices of a model, in the order of a forward pass.
struct WeightGeometry {
  std::vector<WeightMatrix>
      layer;  ///< W_Q, W_K, W_V, W_O, gate where there is one, up, down; count is the number of layers
  std::vector<WeightMatrix>
      outside;  ///< embedding, learned positions, output where it has weights of its own
  std::int64_t vectorParameters = 0;  ///< the rest of the model's parameters: norms and biases

  /// The matrices of one layer, then those outside.
  std::vector<WeightMatrix> matrices() const;
  /// Of all layers' W_Q, W_K, W_V and W_O: layers x (2 d H h + 2 d G h).
  std::int64_t attentionParameters() const;
  std::int64_t total() const;
  /// "Attention has 1.23M of 9.87M parameters (12.5 %)."
  std::string attentionShareText() const;
};

/// `parameterCount` as counted from the tensors: what no matrix accounts for are vectors.
WeightGeometry weightGeometry(const model::ModelConfig& config, OutputProjection output,
                              std::uint64_t parameterCount);

}  // namespace headroom::analysis
