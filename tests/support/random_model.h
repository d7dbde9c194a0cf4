#pragma once

#include <memory>
#include <vector>

#include "core/formats/synthetic_model.h"
#include "core/model/model.h"
#include "core/text/byte_alphabet.h"
#include "core/text/byte_level_bpe.h"

namespace headroom::tests {

using Output = formats::OutputMatrix;

/// 256 bytes, one merge and an end token.
inline std::unique_ptr<text::ByteLevelBpe> smallByteTokenizer() {
  text::ByteLevelBpeData data;
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.emplace_back(text::spellByte(static_cast<std::uint8_t>(byte)));
  }
  data.tokens.push_back("th");
  data.merges.push_back("t h");
  data.tokens.push_back("<|end|>");
  data.tokenTypes.assign(data.tokens.size(), text::TokenType::Normal);
  data.tokenTypes.back() = text::TokenType::Control;
  data.endToken = static_cast<int>(data.tokens.size()) - 1;
  return std::make_unique<text::ByteLevelBpe>(std::move(data));
}

/// A model of the shape of `config` with normally distributed weights; its vocabulary is that of
/// smallByteTokenizer(), whatever config says.
inline model::Model randomModel(model::ModelConfig config, Output output, unsigned seed = 1,
                                model::Storage storage = model::Storage::F32) {
  auto tokenizer = smallByteTokenizer();
  config.vocabSize = tokenizer->vocabSize();
  model::Model result = formats::syntheticModel(config, storage, output, seed);
  result.tokenizer = std::move(tokenizer);
  return result;
}

/// A random model whose first layer's V, and down projection, are stored as `others`, as in files of Q4_K_M.
inline model::Model mixedModel(const model::ModelConfig& config, model::Storage storage,
                               model::Storage others) {
  struct BothMemories final : model::WeightMemory {
    std::unique_ptr<model::WeightMemory> first, second;
  };
  model::Model result = randomModel(config, Output::Separate, 1, storage);
  model::Model other = randomModel(config, Output::Separate, 2, others);
  result.weights.layers[0].value = other.weights.layers[0].value;
  result.weights.layers[0].ffnDown = other.weights.layers[0].ffnDown;
  auto memory = std::make_unique<BothMemories>();
  memory->first = std::move(result.memory);
  memory->second = std::move(other.memory);
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
