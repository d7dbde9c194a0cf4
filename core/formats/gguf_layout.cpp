#include "core/formats/gguf_layout.h"

#include <fmt/format.h>

namespace headroom::formats {

std::vector<TensorSlot> llamaTensors(const model::ModelConfig& config, model::Weights& weights) {
  const std::int64_t modelDim = config.modelDim;
  const std::int64_t queryDim = config.attention.queryDim();
  const std::int64_t kvDim = config.attention.kvDim();
  weights.layers.resize(static_cast<std::size_t>(config.layerCount));

  std::vector<TensorSlot> slots;
  slots.reserve(weights.layers.size() * 9 + 3);
  slots.push_back({"token_embd.weight", config.vocabSize, modelDim, &weights.tokenEmbedding});
  for (int layer = 0; layer < config.layerCount; ++layer) {
    model::LayerWeights& target = weights.layers[static_cast<std::size_t>(layer)];
    const auto add = [&](const char* name, std::int64_t rows, std::int64_t columns, model::Tensor& tensor) {
      slots.push_back({fmt::format("blk.{}.{}.weight", layer, name), rows, columns, &tensor});
    };
    add("attn_norm", 1, modelDim, target.attentionNorm);
    add("attn_q", queryDim, modelDim, target.query);
    add("attn_k", kvDim, modelDim, target.key);
    add("attn_v", kvDim, modelDim, target.value);
    add("attn_output", modelDim, queryDim, target.attentionOutput);
    add("ffn_norm", 1, modelDim, target.ffnNorm);
    add("ffn_gate", config.ffnDim, modelDim, target.ffnGate);
    add("ffn_up", config.ffnDim, modelDim, target.ffnUp);
    add("ffn_down", modelDim, config.ffnDim, target.ffnDown);
  }
  slots.push_back({"output_norm.weight", 1, modelDim, &weights.outputNorm});
  slots.push_back({"output.weight", config.vocabSize, modelDim, &weights.output});
  return slots;
}

}  // namespace headroom::formats
