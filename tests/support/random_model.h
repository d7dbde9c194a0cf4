#pragma once

#include <memory>
#include <random>
#include <vector>

#include "core/formats/gguf_layout.h"
#include "core/model/byte_alphabet.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/model.h"

namespace headroom::tests {

/// Float weights that a Model's tensors point into.
struct FloatMemory final : model::WeightMemory {
  std::vector<std::vector<float>> tensors;
};

enum class Output { Tied, Separate };

/// 256 bytes, one merge and an end token.
inline std::unique_ptr<model::ByteLevelBpe> smallByteTokenizer() {
  model::ByteLevelBpeData data;
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.emplace_back(model::spellByte(static_cast<std::uint8_t>(byte)));
  }
  data.tokens.push_back("th");
  data.merges.push_back("t h");
  data.tokens.push_back("<|end|>");
  data.tokenTypes.assign(data.tokens.size(), model::TokenType::Normal);
  data.tokenTypes.back() = model::TokenType::Control;
  data.endToken = static_cast<int>(data.tokens.size()) - 1;
  return std::make_unique<model::ByteLevelBpe>(std::move(data));
}

/// A model of the shape of `config` with normally distributed F32 weights; its vocabulary is that of
/// smallByteTokenizer(), whatever config says.
inline model::Model randomModel(model::ModelConfig config, Output output, unsigned seed = 1) {
  model::Model result;
  result.tokenizer = smallByteTokenizer();
  config.vocabSize = result.tokenizer->vocabSize();
  config.architecture = "llama";
  if (config.ropeDim == 0) config.ropeDim = config.attention.headDim;
  result.config = config;
  auto memory = std::make_unique<FloatMemory>();
  std::mt19937 random(seed);
  std::normal_distribution<float> weight(0.0f, 0.08f);
  for (formats::TensorSlot& slot : formats::llamaTensors(config, result.weights)) {
    if (slot.tensor == &result.weights.output && output == Output::Tied) continue;
    std::vector<float>& values =
        memory->tensors.emplace_back(static_cast<std::size_t>(slot.rows * slot.columns));
    for (float& value : values) value = slot.rows == 1 ? 1.0f + weight(random) : weight(random);
    *slot.tensor = {model::Storage::F32, slot.rows, slot.columns, std::as_bytes(std::span(values))};
  }
  if (output == Output::Tied) result.weights.output = result.weights.tokenEmbedding;
  result.memory = std::move(memory);
  return result;
}

/// Two small layers; columns are multiples of 32, so that every storage can hold them.
inline model::ModelConfig smallConfig(model::AttentionShape attention) {
  model::ModelConfig config;
  config.name = "small";
  config.layerCount = 2;
  config.modelDim = 64;
  config.ffnDim = 96;
  config.contextLength = 128;
  config.attention = attention;
  return config;
}

}  // namespace headroom::tests
