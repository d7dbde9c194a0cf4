#include "core/training/parameters.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include <fmt/format.h>

namespace headroom::training {

ParameterSlot ParameterLayout::place(std::string name, std::int64_t rows, std::int64_t columns) {
  ParameterSlot slot{std::move(name), rows, columns, m_size, rows > 1};
  m_size += slot.size();
  return slot;
}

ParameterLayout::ParameterLayout(const model::ModelConfig& config) {
  const std::int64_t modelDim = config.modelDim;
  const std::int64_t queryDim = config.attention.queryDim();
  const std::int64_t kvDim = config.attention.kvDim();
  m_tokenEmbedding = place("token_embd.weight", config.vocabSize, modelDim);
  for (int layer = 0; layer < config.layerCount; ++layer) {
    const auto named = [&](const char* part) { return fmt::format("blk.{}.{}.weight", layer, part); };
    LayerSlots slots;
    slots.attentionNorm = place(named("attn_norm"), 1, modelDim);
    slots.query = place(named("attn_q"), queryDim, modelDim);
    slots.key = place(named("attn_k"), kvDim, modelDim);
    slots.value = place(named("attn_v"), kvDim, modelDim);
    slots.attentionOutput = place(named("attn_output"), modelDim, queryDim);
    slots.ffnNorm = place(named("ffn_norm"), 1, modelDim);
    slots.ffnGate = place(named("ffn_gate"), config.ffnDim, modelDim);
    slots.ffnUp = place(named("ffn_up"), config.ffnDim, modelDim);
    slots.ffnDown = place(named("ffn_down"), modelDim, config.ffnDim);
    m_layers.push_back(std::move(slots));
  }
  m_outputNorm = place("output_norm.weight", 1, modelDim);
}

std::vector<ParameterSlot> ParameterLayout::all() const {
  std::vector<ParameterSlot> slots{m_tokenEmbedding};
  for (const LayerSlots& layer : m_layers) {
    slots.insert(slots.end(),
                 {layer.attentionNorm, layer.query, layer.key, layer.value, layer.attentionOutput,
                  layer.ffnNorm, layer.ffnGate, layer.ffnUp, layer.ffnDown});
  }
  slots.push_back(m_outputNorm);
  return slots;
}

AlignedFloats initialParameters(const ParameterLayout& layout, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1.0p-53; };
  const auto normal = [&] {  // Box-Muller, so that every standard library draws the same numbers
    return std::sqrt(-2.0 * std::log(uniform())) * std::cos(2.0 * std::numbers::pi * uniform());
  };
  const double residualScale = 1.0 / std::sqrt(2.0 * static_cast<double>(layout.layers().size()));

  AlignedFloats parameters(layout.size());
  for (const ParameterSlot& slot : layout.all()) {
    const auto values = std::span(parameters).subspan(slot.offset, slot.size());
    if (!slot.isMatrix) {
      std::ranges::fill(values, 1.0f);
      continue;
    }
    double deviation = 0.6 / std::sqrt(static_cast<double>(slot.columns));
    if (slot.offset == layout.tokenEmbedding().offset) deviation = 0.02;
    if (slot.name.ends_with("attn_output.weight") || slot.name.ends_with("ffn_down.weight")) {
      deviation *= residualScale;
    }
    for (float& value : values) value = static_cast<float>(deviation * normal());
  }
  return parameters;
}

model::Weights weightsOf(const ParameterLayout& layout, std::span<const float> parameters) {
  const auto tensor = [&](const ParameterSlot& slot) {
    return model::Tensor{.storage = model::Storage::F32,
                         .rows = slot.rows,
                         .columns = slot.columns,
                         .bytes = std::as_bytes(parameters.subspan(slot.offset, slot.size()))};
  };
  model::Weights weights;
  weights.tokenEmbedding = tensor(layout.tokenEmbedding());
  weights.outputNorm = tensor(layout.outputNorm());
  weights.output = weights.tokenEmbedding;
  for (const LayerSlots& slots : layout.layers()) {
    weights.layers.push_back({.attentionNorm = tensor(slots.attentionNorm),
                              .query = tensor(slots.query),
                              .key = tensor(slots.key),
                              .value = tensor(slots.value),
                              .attentionOutput = tensor(slots.attentionOutput),
                              .ffnNorm = tensor(slots.ffnNorm),
                              .ffnGate = tensor(slots.ffnGate),
                              .ffnUp = tensor(slots.ffnUp),
                              .ffnDown = tensor(slots.ffnDown)});
  }
  return weights;
}

}  // namespace headroom::training
