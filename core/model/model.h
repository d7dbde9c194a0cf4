#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/model/config.h"
#include "core/model/tensor.h"
#include "core/model/tokenizer.h"

namespace headroom::model {

/// Weights of one transformer layer. Shapes are [rows][columns].
struct LayerWeights {
  Tensor attentionNorm;    // [1][modelDim]
  Tensor query;            // [queryHeads*headDim][modelDim]
  Tensor key;              // [kvHeads*headDim][modelDim]
  Tensor value;            // [kvHeads*headDim][modelDim]
  Tensor attentionOutput;  // [modelDim][queryHeads*headDim]
  Tensor ffnNorm;          // [1][modelDim]
  Tensor ffnGate;          // [ffnDim][modelDim]
  Tensor ffnUp;            // [ffnDim][modelDim]
  Tensor ffnDown;          // [modelDim][ffnDim]
};

struct Weights {
  Tensor tokenEmbedding;  // [vocabSize][modelDim]
  Tensor outputNorm;      // [1][modelDim]
  Tensor output;          // [vocabSize][modelDim]; the same bytes as tokenEmbedding when tied
  std::vector<LayerWeights> layers;

  bool tied() const { return output.bytes.data() == tokenEmbedding.bytes.data(); }
  /// Number of parameters; tied matrices count once.
  std::uint64_t parameterCount() const;
  /// Bytes of all parameters as stored; tied matrices count once.
  std::uint64_t storedBytes() const;
};

/// Whatever memory the tensors of a Model point into: a mapped file, or buffers.
class WeightMemory {
 public:
  virtual ~WeightMemory() = default;
};

/// A model in memory: shape, weights, tokenizer. Move-only; owns what its tensors point into.
struct Model {
  ModelConfig config;
  Weights weights;
  std::unique_ptr<Tokenizer> tokenizer;  ///< null when the file has none
  std::unique_ptr<WeightMemory> memory;
  std::string path;                         ///< where it came from
  std::string storageName;                  ///< most common storage of the matrices, "F16"
  std::vector<std::string> contradictions;  ///< metadata that disagrees with the tensors, a sentence each
};

}  // namespace headroom::model
