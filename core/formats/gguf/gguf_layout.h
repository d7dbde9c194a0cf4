#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"

namespace headroom::formats {

/// A tensor of a model: its name in GGUF files, its shape, and where it belongs in memory.
struct TensorSlot {
  std::string name;
  std::int64_t rows = 0;  ///< 1 for a vector
  std::int64_t columns = 0;
  model::Tensor* tensor = nullptr;
  bool optional = false;  ///< the forward pass goes without it

  /// Files may hold several matrices as the rows of one (vectors: the elements): its name, its rows, and the
  /// first that is this tensor's. Empty where none does.
  std::string fusedName = {};
  std::int64_t fusedRows = 0;
  std::int64_t fusedFirst = 0;
};

/// Every tensor that a model of this configuration has or may have, in file order. Resizes weights.layers to
/// config.layerCount; the slots point into `weights`. output.weight is optional: it may be tied to the
/// embedding.
std::vector<TensorSlot> modelTensors(const model::ModelConfig& config, model::Weights& weights);

/// A tensor as it stands in a file: the rows of one or several tensors of the model, one after the other.
struct FileTensor {
  std::string name;
  std::int64_t rows = 0;  ///< 1 for a vector, whose parts lie one behind the other
  std::int64_t columns = 0;
  std::vector<model::Tensor> parts;

  bool isVector() const { return rows == 1; }
};

/// The tensors of `weights` as GGUF files of that architecture hold them: Q, K and V in one where readers
/// expect that; a tied output left out.
std::vector<FileTensor> fileTensors(const model::ModelConfig& config, const model::Weights& weights);

}  // namespace headroom::formats
