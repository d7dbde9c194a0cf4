#include "core/formats/gguf/gguf_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/model/architecture.h"

namespace headroom::formats {

namespace {

using model::FusedMatrices;
using model::LayerWeights;
using model::ModelConfig;
using model::Tensor;
using model::Traits;

const model::Architecture& rowOf(const ModelConfig& config) {
  const model::Architecture* row = model::findArchitecture(config.architecture);
  return row != nullptr ? *row : model::architectures().front();
}

/// Lists the slots of one model.
class SlotList {
 public:
  SlotList(const ModelConfig& config, model::Weights& weights) : m_config(config), m_weights(weights) {
    const std::int64_t modelDim = config.modelDim;
    const bool layerNorm = config.traits.norm == model::Norm::Layer;
    add("token_embd.weight", config.vocabSize, modelDim, weights.tokenEmbedding);
    if (config.traits.positions == model::Positions::Learned) {
      add("position_embd.weight", config.contextLength, modelDim, weights.positionEmbedding);
    }
    for (int layer = 0; layer < config.layerCount; ++layer) addLayer(layer);
    add("output_norm.weight", 1, modelDim, weights.outputNorm);
    if (layerNorm) add("output_norm.bias", 1, modelDim, weights.outputNormBias).optional = true;
    add("output.weight", config.vocabSize, modelDim, weights.output).optional = true;
    add("output.bias", 1, config.vocabSize, weights.outputBias).optional = true;
  }

  std::vector<TensorSlot> take() { return std::move(m_slots); }

 private:
  TensorSlot& add(std::string name, std::int64_t rows, std::int64_t columns, Tensor& tensor) {
    m_slots.push_back({.name = std::move(name), .rows = rows, .columns = columns, .tensor = &tensor});
    return m_slots.back();
  }
  TensorSlot& weight(const char* name, std::int64_t rows, std::int64_t columns, Tensor& tensor) {
    return add(fmt::format("blk.{}.{}.weight", m_layer, name), rows, columns, tensor);
  }
  void bias(const char* name, std::int64_t columns, Tensor& tensor) {
    add(fmt::format("blk.{}.{}.bias", m_layer, name), 1, columns, tensor).optional = true;
  }
  void norm(const char* name, Tensor& gain, Tensor& offset) {
    weight(name, 1, m_config.modelDim, gain);
    if (m_config.traits.norm == model::Norm::Layer) bias(name, m_config.modelDim, offset);
  }

  /// One of Q, K and V, which files may hold as the rows of one matrix.
  void attentionInput(const char* name, std::int64_t first, std::int64_t rows, Tensor& matrix,
                      Tensor& offset) {
    const model::AttentionShape& shape = m_config.attention;
    const std::int64_t all = shape.queryDim() + 2 * static_cast<std::int64_t>(shape.kvDim());
    const auto fuse = [&](TensorSlot& slot, const char* kind) {
      slot.fusedName = fmt::format("blk.{}.attn_qkv.{}", m_layer, kind);
      slot.fusedRows = all;
      slot.fusedFirst = first;
    };
    fuse(weight(name, rows, m_config.modelDim, matrix), "weight");
    bias(name, rows, offset);
    fuse(m_slots.back(), "bias");
  }

  void addLayer(int layer) {
    m_layer = layer;
    LayerWeights& target = m_weights.layers[static_cast<std::size_t>(layer)];
    const Traits& traits = m_config.traits;
    const model::AttentionShape& shape = m_config.attention;
    const std::int64_t modelDim = m_config.modelDim;
    const std::int64_t queryDim = shape.queryDim();
    const std::int64_t kvDim = shape.kvDim();
    // Falcon 40B calls the norm of attention attn_norm_2 and that of the FFN attn_norm.
    const bool secondNorm = traits.ownFfnNorm && rowOf(m_config).secondNorm;
    norm(secondNorm ? "attn_norm_2" : "attn_norm", target.attentionNorm, target.attentionNormBias);
    attentionInput("attn_q", 0, queryDim, target.query, target.queryBias);
    attentionInput("attn_k", queryDim, kvDim, target.key, target.keyBias);
    attentionInput("attn_v", queryDim + kvDim, kvDim, target.value, target.valueBias);
    if (traits.headNorms) {
      weight("attn_q_norm", 1, shape.headDim, target.queryNorm);
      weight("attn_k_norm", 1, shape.headDim, target.keyNorm);
    }
    weight("attn_output", modelDim, queryDim, target.attentionOutput);
    bias("attn_output", modelDim, target.attentionOutputBias);
    if (traits.branchNorms) weight("post_attention_norm", 1, modelDim, target.attentionPostNorm);
    if (traits.ownFfnNorm) {
      norm(secondNorm ? "attn_norm" : "ffn_norm", target.ffnNorm, target.ffnNormBias);
    }
    if (traits.feedForward == model::FeedForward::Gated) {
      const auto fuse = [&](TensorSlot& slot, std::int64_t first) {
        slot.fusedName = fmt::format("blk.{}.ffn_up.weight", layer);
        slot.fusedRows = 2ll * m_config.ffnDim;
        slot.fusedFirst = first;
      };
      fuse(weight("ffn_gate", m_config.ffnDim, modelDim, target.ffnGate), 0);
      bias("ffn_gate", m_config.ffnDim, target.ffnGateBias);
      fuse(weight("ffn_up", m_config.ffnDim, modelDim, target.ffnUp), m_config.ffnDim);
    } else {
      weight("ffn_up", m_config.ffnDim, modelDim, target.ffnUp);
    }
    bias("ffn_up", m_config.ffnDim, target.ffnUpBias);
    weight("ffn_down", modelDim, m_config.ffnDim, target.ffnDown);
    bias("ffn_down", modelDim, target.ffnDownBias);
    if (traits.branchNorms) weight("post_ffw_norm", 1, modelDim, target.ffnPostNorm);
  }

  const ModelConfig& m_config;
  model::Weights& m_weights;
  int m_layer = 0;
  std::vector<TensorSlot> m_slots;
};

}  // namespace

std::vector<TensorSlot> modelTensors(const ModelConfig& config, model::Weights& weights) {
  weights.layers.resize(static_cast<std::size_t>(config.layerCount));
  return SlotList(config, weights).take();
}

std::vector<FileTensor> fileTensors(const ModelConfig& config, const model::Weights& weights) {
  // The slots point into a copy of the tensor descriptions, which is cheap and lets the source be const.
  model::Weights copy = weights;
  const std::vector<TensorSlot> slots = modelTensors(config, copy);
  const FusedMatrices fused = rowOf(config).fused;
  std::vector<FileTensor> result;
  for (const TensorSlot& slot : slots) {
    if (slot.tensor->empty() || (slot.tensor == &copy.output && weights.tied())) continue;
    const bool isQkv = slot.fusedName.find("attn_qkv") != std::string::npos;
    const bool fuses = !slot.fusedName.empty() &&
                       (isQkv ? fused != FusedMatrices::None : fused == FusedMatrices::QkvAndGateUp);
    const std::string& name = fuses ? slot.fusedName : slot.name;
    const auto same = std::ranges::find(result, name, &FileTensor::name);
    if (same != result.end()) {
      same->parts.push_back(*slot.tensor);
      continue;
    }
    const bool isVector = slot.rows == 1;
    result.push_back({.name = name,
                      .rows = fuses && !isVector ? slot.fusedRows : slot.rows,
                      .columns = fuses && isVector ? slot.fusedRows : slot.columns,
                      .parts = {*slot.tensor}});
  }
  return result;
}

}  // namespace headroom::formats
