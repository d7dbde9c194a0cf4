#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"

namespace headroom::formats {

/// A tensor of architecture llama: its name in GGUF files, its shape, and where it belongs in memory.
struct TensorSlot {
  std::string name;
  std::int64_t rows = 0;  ///< 1 for a vector
  std::int64_t columns = 0;
  model::Tensor* tensor = nullptr;
};

/// Every tensor of a llama model of this shape, in file order; the last one is output.weight, which a file
/// leaves out when it is tied to the embedding. Resizes weights.layers to config.layerCount; the slots point
/// into `weights`.
std::vector<TensorSlot> llamaTensors(const model::ModelConfig& config, model::Weights& weights);

}  // namespace headroom::formats
