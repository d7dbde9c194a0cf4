#include "core/formats/gguf_model.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "core/formats/gguf_file.h"
#include "core/formats/gguf_layout.h"
#include "core/formats/gguf_tokenizer.h"
#include "core/formats/weight_scan.h"
#include "core/model/error.h"
#include "core/model/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using model::quotedName;

constexpr std::int64_t kMostPositions = 1 << 27;

/// Keeps the mapped file alive for the tensors that point into it.
struct MappedWeights final : model::WeightMemory {
  explicit MappedWeights(const std::string& path) : file(path) {}
  GgufFile file;
};

int integerInRange(const GgufFile& file, std::string_view key, std::int64_t low, std::int64_t high,
                   std::optional<std::int64_t> fallback = std::nullopt) {
  const auto stored = file.integer(key);
  if (!stored && !fallback) throw Error(fmt::format("metadata key \"{}\" is missing", key));
  const std::int64_t value = stored.value_or(fallback.value_or(0));
  if (value < low || value > high) {
    throw Error(fmt::format("{} is {}, expected {} to {}", key, value, low, high));
  }
  return static_cast<int>(value);
}

float positiveNumber(const GgufFile& file, std::string_view key,
                     std::optional<double> fallback = std::nullopt) {
  const auto stored = file.number(key);
  if (!stored && !fallback) throw Error(fmt::format("metadata key \"{}\" is missing", key));
  const double value = stored.value_or(fallback.value_or(0.0));
  if (!std::isfinite(value) || value <= 0.0 || value > std::numeric_limits<float>::max()) {
    throw Error(fmt::format("{} is {}, expected a positive number", key, value));
  }
  return static_cast<float>(value);
}

/// Rows and columns of a tensor as a matrix.
struct MatrixShape {
  std::int64_t rows = 1;
  std::int64_t columns = 0;
};

MatrixShape shapeOf(const GgufTensor& tensor) {
  MatrixShape shape{.rows = 1, .columns = static_cast<std::int64_t>(tensor.sizes[0])};
  for (std::size_t i = 1; i < tensor.sizes.size(); ++i)
    shape.rows *= static_cast<std::int64_t>(tensor.sizes[i]);
  return shape;
}

const GgufTensor& requiredTensor(const GgufFile& file, std::string_view name) {
  const GgufTensor* tensor = file.findTensor(name);
  if (!tensor) throw Error(fmt::format("tensor \"{}\" is missing", name));
  if (!tensor->storage) {
    throw Error(fmt::format("tensor \"{}\" is stored as {}, expected F32, F16 or Q8_0", name,
                            ggufTensorTypeName(tensor->typeNumber)));
  }
  return *tensor;
}

void refuseUnsupportedFeatures(const GgufFile& file) {
  const std::string scaling = file.text("llama.rope.scaling.type").value_or("none");
  if (scaling != "none") {
    throw Error(fmt::format("RoPE scaling of type {} is not supported, expected none", quotedName(scaling)));
  }
  for (const char* key : {"llama.rope.scale_linear", "llama.rope.scaling.factor"}) {
    const double factor = file.number(key).value_or(1.0);
    if (factor != 1.0)
      throw Error(fmt::format("{} is {}, expected 1: RoPE scaling is not supported", key, factor));
  }
  const std::int64_t experts = file.integer("llama.expert_count").value_or(0);
  if (experts != 0) throw Error(fmt::format("the model has {} experts, expected a dense model", experts));
}

/// Counts the heads. The query projection and the head count fix the head size; the key projection then
/// proves the number of KV heads, whatever the metadata says.
model::AttentionShape proveAttention(const GgufFile& file, std::vector<std::string>& contradictions) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  model::AttentionShape shape;
  shape.queryHeadCount = integerInRange(file, "llama.attention.head_count", 1, 65536);
  const auto rowsOf = [&](const char* name) {
    const std::int64_t rows = shapeOf(requiredTensor(file, name)).rows;
    if (rows > kMost) throw Error(fmt::format("{} has {} rows, expected at most {}", name, rows, kMost));
    return rows;
  };
  const std::int64_t queryRows = rowsOf("blk.0.attn_q.weight");
  const std::int64_t keyRows = rowsOf("blk.0.attn_k.weight");
  const std::int64_t valueRows = rowsOf("blk.0.attn_v.weight");

  if (queryRows % shape.queryHeadCount != 0) {
    throw Error(fmt::format("blk.0.attn_q.weight has {} rows, which {} query heads do not divide", queryRows,
                            shape.queryHeadCount));
  }
  shape.headDim = static_cast<int>(queryRows / shape.queryHeadCount);
  for (const char* key : {"llama.attention.key_length", "llama.attention.value_length"}) {
    const int length = integerInRange(file, key, 1, kMost, shape.headDim);
    if (length != shape.headDim) {
      throw Error(fmt::format("{} is {}, but blk.0.attn_q.weight has {} rows for {} heads, which makes {}",
                              key, length, queryRows, shape.queryHeadCount, shape.headDim));
    }
  }
  if (keyRows != valueRows) {
    throw Error(fmt::format("blk.0.attn_k.weight has {} rows and blk.0.attn_v.weight {}, expected the same",
                            keyRows, valueRows));
  }
  if (keyRows % shape.headDim != 0) {
    throw Error(fmt::format("blk.0.attn_k.weight has {} rows, expected a multiple of the head size {}",
                            keyRows, shape.headDim));
  }
  shape.kvHeadCount = static_cast<int>(keyRows / shape.headDim);
  if (shape.queryHeadCount % shape.kvHeadCount != 0) {
    throw Error(fmt::format("{} query heads are not a multiple of {} KV heads", shape.queryHeadCount,
                            shape.kvHeadCount));
  }
  const int claimed = integerInRange(file, "llama.attention.head_count_kv", 1, 65536, shape.queryHeadCount);
  if (claimed != shape.kvHeadCount) {
    contradictions.push_back(fmt::format(
        "The metadata {} {} KV heads; the key projection has {} rows of head size {}, so there are {}",
        file.has("llama.attention.head_count_kv") ? "claims" : "implies", claimed, keyRows, shape.headDim,
        shape.kvHeadCount));
  }
  return shape;
}

model::ModelConfig readConfig(const GgufFile& file, const std::string& path,
                              std::vector<std::string>& contradictions) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  model::ModelConfig config;
  const auto architecture = file.text("general.architecture");
  if (!architecture) throw Error("metadata key \"general.architecture\" is missing");
  config.architecture = *architecture;
  if (config.architecture != "llama") {
    throw Error(
        fmt::format("architecture {} is not supported, expected \"llama\"", quotedName(config.architecture)));
  }
  refuseUnsupportedFeatures(file);
  config.name = model::replaceInvalidUtf8(
      file.text("general.name").value_or(std::filesystem::path(path).stem().string()));
  config.layerCount = integerInRange(file, "llama.block_count", 1, 65536);
  config.modelDim = integerInRange(file, "llama.embedding_length", 1, kMost);
  config.ffnDim = integerInRange(file, "llama.feed_forward_length", 1, kMost);
  config.contextLength = integerInRange(file, "llama.context_length", 1, kMostPositions);
  config.normEpsilon = positiveNumber(file, "llama.attention.layer_norm_rms_epsilon");
  config.ropeBase = positiveNumber(file, "llama.rope.freq_base", 10000.0);
  config.ropePairing = model::RopePairing::Adjacent;
  config.attention = proveAttention(file, contradictions);
  config.ropeDim = integerInRange(file, "llama.rope.dimension_count", 2, config.attention.headDim,
                                  config.attention.headDim);
  if (config.ropeDim % 2 != 0) {
    throw Error(fmt::format("llama.rope.dimension_count is {}, expected an even number", config.ropeDim));
  }
  if (!file.has("llama.attention.key_length") &&
      config.attention.headDim * config.attention.queryHeadCount != config.modelDim) {
    contradictions.push_back(fmt::format(
        "The metadata implies a head size of {} / {} heads; the query projection has {} rows, so it is {}",
        config.modelDim, config.attention.queryHeadCount, config.attention.queryDim(),
        config.attention.headDim));
  }
  config.vocabSize = static_cast<int>(
      std::min<std::int64_t>(shapeOf(requiredTensor(file, "token_embd.weight")).rows, kMost));
  const int claimedVocabulary = integerInRange(file, "llama.vocab_size", 1, kMost, config.vocabSize);
  if (claimedVocabulary != config.vocabSize) {
    contradictions.push_back(fmt::format("The metadata claims a vocabulary of {}; the embedding has {} rows",
                                         claimedVocabulary, config.vocabSize));
  }
  return config;
}

void fillSlot(const GgufFile& file, const TensorSlot& slot) {
  const GgufTensor& stored = requiredTensor(file, slot.name);
  const MatrixShape shape = shapeOf(stored);
  if (shape.rows != slot.rows || shape.columns != slot.columns) {
    throw Error(fmt::format("tensor \"{}\" has shape {} x {}, expected {} x {}", slot.name, shape.rows,
                            shape.columns, slot.rows, slot.columns));
  }
  *slot.tensor = {*stored.storage, shape.rows, shape.columns, stored.bytes};
  const std::int64_t bad = firstNonFinite(*slot.tensor);
  if (bad >= 0) {
    throw Error(fmt::format("tensor \"{}\" holds NaN or infinity at element {}, expected finite weights",
                            slot.name, bad));
  }
}

void fillWeights(const GgufFile& file, model::Model& model) {
  const auto layerLimit = file.tensors().size() / 9;
  if (static_cast<std::size_t>(model.config.layerCount) > layerLimit) {
    throw Error(fmt::format("llama.block_count is {}, but {} tensors hold at most {} layers",
                            model.config.layerCount, file.tensors().size(), layerLimit));
  }
  const std::vector<TensorSlot> slots = llamaTensors(model.config, model.weights);
  std::set<std::string_view> known;
  std::map<model::Storage, std::int64_t> elements;
  for (const TensorSlot& slot : slots) {
    if (slot.tensor == &model.weights.output && !file.findTensor(slot.name)) {
      model.weights.output = model.weights.tokenEmbedding;
      continue;
    }
    fillSlot(file, slot);
    known.insert(slot.name);
    if (slot.rows > 1) elements[slot.tensor->storage] += slot.tensor->elementCount();
  }
  for (const GgufTensor& tensor : file.tensors()) {
    if (known.contains(tensor.name)) continue;
    throw Error(fmt::format("tensor {} is not part of a {}-layer llama model as this program computes it",
                            quotedName(tensor.name), model.config.layerCount));
  }
  std::int64_t most = 0;
  for (const auto& [storage, count] : elements) {
    if (count > most) model.storageName = shortName(storage);
    most = std::max(most, count);
  }
}

model::Model readModel(const std::string& path) {
  auto memory = std::make_unique<MappedWeights>(path);
  const GgufFile& file = memory->file;
  model::Model model;
  try {
    model.path = path;
    model.config = readConfig(file, path, model.contradictions);
    fillWeights(file, model);
    model.tokenizer = readTokenizer(file);
    if (model.tokenizer && model.tokenizer->vocabSize() != model.config.vocabSize) {
      throw Error(fmt::format("the tokenizer has {} tokens, but the embedding has {} rows",
                              model.tokenizer->vocabSize(), model.config.vocabSize));
    }
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
  model.memory = std::move(memory);
  return model;
}
}  // namespace

model::Model loadGguf(const std::string& path) {
  return readModel(path);
}

}  // namespace headroom::formats
