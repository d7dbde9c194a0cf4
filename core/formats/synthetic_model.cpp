#include "core/formats/synthetic_model.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
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

/// The f16 scales of a block with random integers, in the order in which they are stored, that give about
/// kDeviation; none for storages that rows are rounded to.
std::vector<float> blockScales(model::Storage storage) {
  constexpr float kNibble = 4.6f;       // deviation of 16 equally likely integers
  constexpr float kSixBits = 36.5f;     // root mean square of 0 to 63
  constexpr float kSignedByte = 73.9f;  // of -128 to 127
  switch (storage) {
    case model::Storage::Q4_0:
      return {kDeviation / kNibble};
    case model::Storage::Q4_K:  // the minimum takes away what the mean of the integers is
      return {kDeviation / (2 * kNibble * kSixBits), 7.5f * kDeviation / (2 * kNibble * kSixBits)};
    case model::Storage::Q5_K:
      return {kDeviation / (4 * kNibble * kSixBits), 15.5f * kDeviation / (4 * kNibble * kSixBits)};
    case model::Storage::Q6_K:
      return {kDeviation / (4 * kNibble * kSignedByte)};
    default:
      return {};
  }
}

/// A row of blocks of `storage`: random bits, but for the scales.
void appendRandomBlocks(model::Storage storage, std::span<const float> scales, std::size_t columns,
                        std::mt19937& random, std::string& out) {
  const model::StorageFormat& format = model::formatOf(storage);
  const auto blockBytes = static_cast<std::size_t>(format.blockBytes);
  std::size_t at = out.size();
  out.resize(at + model::rowBytes(storage, columns));
  std::generate(out.begin() + static_cast<std::ptrdiff_t>(at), out.end(),
                [&] { return static_cast<char>(random() & 0xFFu); });
  for (; at < out.size(); at += blockBytes) {
    for (std::size_t index = 0; index < scales.size(); ++index) {
      const std::uint16_t half = model::floatToHalf(scales[index]);
      std::memcpy(out.data() + at + static_cast<std::size_t>(format.scaleOffset) + index * sizeof half, &half,
                  sizeof half);
    }
  }
}

/// What a tensor of a layer is called in each of them: "attn_q.weight" of "blk.3.attn_q.weight"; empty for
/// others.
std::string_view nameInLayer(std::string_view name) {
  constexpr std::string_view kLayer = "blk.";
  if (!name.starts_with(kLayer)) return {};
  return name.substr(name.find('.', kLayer.size()) + 1);
}

}  // namespace

model::Model syntheticModel(const model::ModelConfig& config, model::Storage matrices, OutputMatrix output,
                            unsigned seed, LayerWeightsKind layers) {
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
  std::map<std::string, model::Tensor, std::less<>> ofFirstLayer;
  for (const TensorSlot& slot : slots) {
    if (slot.tensor == &result.weights.output) {
      if (output == OutputMatrix::Tied) continue;
    } else if (slot.optional && result.config.architecture == "llama") {
      continue;
    }
    const std::string_view inLayer = layers == LayerWeightsKind::Alike ? nameInLayer(slot.name) : "";
    if (const auto made = ofFirstLayer.find(inLayer); made != ofFirstLayer.end()) {
      *slot.tensor = made->second;
      continue;
    }
    std::string& bytes = memory->tensors.emplace_back();
    const model::Storage storage = slot.rows == 1 ? model::Storage::F32 : matrices;
    const std::vector<float> scales = blockScales(storage);
    std::vector<float> row(static_cast<std::size_t>(slot.columns));
    bytes.reserve(static_cast<std::size_t>(slot.rows) * model::rowBytes(storage, row.size()));
    for (std::int64_t index = 0; index < slot.rows; ++index) {
      if (!scales.empty()) {
        appendRandomBlocks(storage, scales, row.size(), random, bytes);
        continue;
      }
      std::size_t at = random();
      for (float& value : row)
        value = drawn[at++ % kDrawnValues] + (slot.rows == 1 && !slot.optional ? 1.0f : 0.0f);
      model::appendRow(storage, row, bytes);
    }
    *slot.tensor = {storage, slot.rows, slot.columns, std::as_bytes(std::span(bytes))};
    if (!inLayer.empty()) ofFirstLayer.emplace(inLayer, *slot.tensor);
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
