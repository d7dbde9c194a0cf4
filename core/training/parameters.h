#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/model/config.h"
#include "core/model/model.h"
#include "core/training/aligned_floats.h"

namespace headroom::training {

/// Where one matrix lies in the flat parameter vector.
struct ParameterSlot {
  std::string name;  ///< as GGUF files name it, "blk.0.attn_q.weight"
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::size_t offset = 0;  ///< in elements
  bool isMatrix = true;    ///< norm gains are not: they get no weight decay

  std::size_t size() const { return static_cast<std::size_t>(rows * columns); }
};

/// The slots of one layer; shapes as in model::LayerWeights.
struct LayerSlots {
  ParameterSlot attentionNorm, query, key, value, attentionOutput, ffnNorm, ffnGate, ffnUp, ffnDown;
};

/// All parameters of a llama model with tied embeddings, laid out one after another, so that optimiser,
/// checkpoint and gradient check each see one vector.
class ParameterLayout {
 public:
  explicit ParameterLayout(const model::ModelConfig& config);

  std::size_t size() const { return m_size; }
  const ParameterSlot& tokenEmbedding() const { return m_tokenEmbedding; }
  const ParameterSlot& outputNorm() const { return m_outputNorm; }
  const std::vector<LayerSlots>& layers() const { return m_layers; }
  /// Every slot, in the order of the flat vector.
  std::vector<ParameterSlot> all() const;

 private:
  ParameterSlot place(std::string name, std::int64_t rows, std::int64_t columns);

  std::size_t m_size = 0;
  ParameterSlot m_tokenEmbedding;
  ParameterSlot m_outputNorm;
  std::vector<LayerSlots> m_layers;
};

/// Starting values: gains 1, embeddings N(0, 0.02), matrices N(0, 0.6/sqrt(columns)), those that write to the
/// residual stream divided by sqrt(2 layers). The same seed gives the same values.
AlignedFloats initialParameters(const ParameterLayout& layout, std::uint64_t seed);

/// The parameters as a model's weights: F32 tensors that point into `parameters`, output tied to the
/// embedding.
model::Weights weightsOf(const ParameterLayout& layout, std::span<const float> parameters);

}  // namespace headroom::training
