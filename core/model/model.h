#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/model/config.h"
#include "core/model/tensor.h"
#include "core/model/tokenizer.h"

namespace headroom::model {

/// Weights of one transformer layer. Shapes are [rows][columns]; what a model does not have is empty.
struct LayerWeights {
  Tensor attentionNorm;        // [1][modelDim]
  Tensor attentionNormBias;    // [1][modelDim], LayerNorm
  Tensor query;                // [queryHeads*headDim][modelDim]
  Tensor key;                  // [kvHeads*headDim][modelDim]
  Tensor value;                // [kvHeads*headDim][modelDim]
  Tensor queryBias;            // [1][queryHeads*headDim]
  Tensor keyBias;              // [1][kvHeads*headDim]
  Tensor valueBias;            // [1][kvHeads*headDim]
  Tensor queryNorm;            // [1][headDim], RMSNorm of every query head
  Tensor keyNorm;              // [1][headDim]
  Tensor attentionOutput;      // [modelDim][queryHeads*headDim]
  Tensor attentionOutputBias;  // [1][modelDim]
  Tensor attentionPostNorm;    // [1][modelDim], RMSNorm of what attention adds
  Tensor ffnNorm;              // [1][modelDim]; in a parallel block it may be the attention's
  Tensor ffnNormBias;          // [1][modelDim]
  Tensor ffnGate;              // [ffnDim][modelDim], gated only
  Tensor ffnUp;                // [ffnDim][modelDim]
  Tensor ffnGateBias;          // [1][ffnDim]
  Tensor ffnUpBias;            // [1][ffnDim]
  Tensor ffnDown;              // [modelDim][ffnDim]
  Tensor ffnDownBias;          // [1][modelDim]
  Tensor ffnPostNorm;          // [1][modelDim], RMSNorm of what the FFN adds

  /// Whether a parallel block's FFN reads what attention reads.
  bool sharesNorm() const { return ffnNorm.bytes.data() == attentionNorm.bytes.data(); }
  /// Every tensor in the order above, empty ones too.
  std::vector<const Tensor*> tensors() const;
};

struct Weights {
  Tensor tokenEmbedding;     // [vocabSize][modelDim]
  Tensor positionEmbedding;  // [contextLength][modelDim], learned positions
  Tensor outputNorm;         // [1][modelDim]
  Tensor outputNormBias;     // [1][modelDim]
  Tensor output;             // [vocabSize][modelDim]; the same bytes as tokenEmbedding when tied
  Tensor outputBias;         // [1][vocabSize]
  std::vector<LayerWeights> layers;

  bool tied() const { return output.bytes.data() == tokenEmbedding.bytes.data(); }
  /// Each stored tensor once, none that is empty: tied or shared bytes do not come again.
  std::vector<const Tensor*> stored() const;
  /// Number of parameters; tied matrices count once.
  std::uint64_t parameterCount() const;
  /// Bytes of all parameters as stored; tied matrices count once.
  std::uint64_t storedBytes() const;
};

/// Whatever memory the tensors of a Model point into: mapped files, or buffers.
class WeightMemory {
 public:
  virtual ~WeightMemory() = default;
  /// `bytes` will be read once and at once: where they lie in a file they come into memory in one go.
  virtual void willRead(std::span<const std::byte> bytes) const { (void)bytes; }
  /// `bytes` are not needed soon: where they lie in a file they leave memory, to be read again when touched.
  virtual void letGo(std::span<const std::byte> bytes) const { (void)bytes; }
};

/// A model in memory: shape, weights, tokenizer. Move-only; owns what its tensors point into.
struct Model {
  ModelConfig config;
  Weights weights;
  std::unique_ptr<Tokenizer> tokenizer;  ///< null when the file has none
  std::unique_ptr<WeightMemory> memory;
  std::string path;                         ///< where it came from
  std::string storageName;                  ///< most common storage of the matrices, "F16"
  std::string chatTemplate;                 ///< Jinja text of the file, empty if it has none
  std::vector<std::string> contradictions;  ///< metadata that disagrees with the tensors, a sentence each
  std::vector<std::string> notes;           ///< what the reader should know besides, a sentence each
};

}  // namespace headroom::model
