#include "core/formats/synthetic_model.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/formats/gguf/gguf_layout.h"

namespace headroom::formats {

namespace {

struct OwnedWeights final : model::WeightMemory {
  std::vector<std::string> tensors;
};

/// Small enough that activations stay of order one over many layers.
constexpr float kDeviation = 0.08f;
constexpr std::size_t kDrawnValues = 1u << 16;

}  // namespace

model::Model syntheticModel(const model::ModelConfig& config, model::Storage matrices, OutputMatrix output,
                            unsigned seed) {
  model::Model result;
  result.config = config;
  if (config.architecture.empty()) result.config.architecture = "llama";
  if (config.ropeDim == 0 && config.traits.positions == model::Positions::Rope)
    result.config.ropeDim = config.attention.headDim;
  result.storageName = shortName(matrices);
  auto memory = std::make_unique<OwnedWeights>();
  std::mt19937 random(seed);
  std::normal_distribution<float> weight(0.0f, kDeviation);
  // Drawing is slow: each row takes a stretch of drawn values from a random start.
  std::vector<float> drawn(kDrawnValues);
  std::ranges::generate(drawn, [&] { return weight(random); });
  const std::vector<TensorSlot> slots = modelTensors(result.config, result.weights);
  memory->tensors.reserve(slots.size());
  for (const TensorSlot& slot : slots) {
    if (slot.tensor == &result.weights.output) {
      if (output == OutputMatrix::Tied) continue;
    } else if (slot.optional && result.config.architecture == "llama") {
      continue;
    }
    std::string& bytes = memory->tensors.emplace_back();
    const model::Storage storage = slot.rows == 1 ? model::Storage::F32 : matrices;
    std::vector<float> row(static_cast<std::size_t>(slot.columns));
    bytes.reserve(static_cast<std::size_t>(slot.rows) * model::rowBytes(storage, row.size()));
    for (std::int64_t index = 0; index < slot.rows; ++index) {
      std::size_t at = random();
      for (float& value : row)
        value = drawn[at++ % kDrawnValues] + (slot.rows == 1 && !slot.optional ? 1.0f : 0.0f);
      model::appendRow(storage, row, bytes);
    }
    *slot.tensor = {storage, slot.rows, slot.columns, std::as_bytes(std::span(bytes))};
  }
  if (output == OutputMatrix::Tied) result.weights.output = result.weights.tokenEmbedding;
  for (model::LayerWeights& layer : result.weights.layers) {
    if (!layer.ffnNorm.empty()) continue;
    layer.ffnNorm = layer.attentionNorm;
    layer.ffnNormBias = layer.attentionNormBias;
  }
  result.memory = std::move(memory);
  return result;
}

}  // namespace headroom::formats
