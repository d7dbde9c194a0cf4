#include "core/formats/gguf/gguf_model.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "core/formats/gguf/gguf_set.h"
#include "core/formats/gguf/gguf_tokenizer.h"
#include "core/formats/limits.h"
#include "core/formats/model_builder.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using model::RopeScalingKind;
using text::quotedName;

/// Keeps the mapped files alive for the tensors that point into them.
struct MappedWeights final : model::WeightMemory {
  explicit MappedWeights(const std::string& path) : files(path) {}
  void willRead(std::span<const std::byte> bytes) const override {
    for (const GgufFile& part : files.parts()) part.mapping().willRead(bytes);
  }
  void letGo(std::span<const std::byte> bytes) const override {
    for (const GgufFile& part : files.parts()) part.mapping().letGo(bytes);
  }
  GgufSet files;
};

/// Reads "<architecture>.<key>" with its limits.
class Metadata {
 public:
  Metadata(const GgufFile& file, std::string_view architecture) : m_file(file), m_prefix(architecture) {}

  std::string key(std::string_view name) const { return fmt::format("{}.{}", m_prefix, name); }
  bool has(std::string_view name) const { return m_file.has(key(name)); }

  int integer(std::string_view name, std::int64_t low, std::int64_t high,
              std::optional<std::int64_t> fallback = std::nullopt) const {
    const auto stored = m_file.integer(key(name));
    if (!stored && !fallback) throw Error(fmt::format("metadata key \"{}\" is missing", key(name)));
    if (!stored) return static_cast<int>(*fallback);
    if (*stored < low || *stored > high) {
      throw Error(fmt::format("{} is {}, expected {} to {}", key(name), *stored, low, high));
    }
    return static_cast<int>(*stored);
  }
  float positive(std::string_view name, std::optional<double> fallback = std::nullopt) const {
    const auto stored = m_file.number(key(name));
    if (!stored && !fallback) throw Error(fmt::format("metadata key \"{}\" is missing", key(name)));
    if (!stored) return static_cast<float>(*fallback);
    if (!std::isfinite(*stored) || *stored <= 0.0 || *stored > std::numeric_limits<float>::max()) {
      throw Error(fmt::format("{} is {}, expected a positive number", key(name), *stored));
    }
    return static_cast<float>(*stored);
  }
  /// A limit where 0, or nothing, means none.
  float cap(std::string_view name, double fallback) const {
    const double stored = m_file.number(key(name)).value_or(fallback);
    return stored == 0.0 ? 0.0f : positive(name, fallback);
  }
  std::string text(std::string_view name, const char* fallback) const {
    return m_file.text(key(name)).value_or(fallback);
  }
  bool flag(std::string_view name, bool fallback) const {
    return m_file.boolean(key(name)).value_or(fallback);
  }

 private:
  const GgufFile& m_file;
  std::string_view m_prefix;
};

const model::Architecture& architectureOf(const GgufFile& file) {
  const auto name = file.text("general.architecture");
  if (!name) throw Error("metadata key \"general.architecture\" is missing");
  if (const model::Architecture* row = model::findArchitecture(*name)) return *row;
  const model::Architecture& nearest = model::nearestArchitecture(*name);
  throw Error(fmt::format("architecture {} is not supported; the nearest that is: {} ({}); all: {}",
                          quotedName(*name), nearest.name, nearest.models, model::architectureNames()));
}

/// Takes the RoPE factors out of `tensors`, which belong to the configuration rather than to the weights.
std::vector<float> takeFactors(TensorDirectory& tensors, std::string_view name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return {};
  if (found->second.rows != 1) {
    throw Error(fmt::format("tensor \"{}\" has {} rows, expected a vector", name, found->second.rows));
  }
  std::vector<float> factors = found->second.toFloat();
  tensors.erase(found);
  return factors;
}

model::RopeScaling readRopeScaling(const Metadata& metadata, int contextLength, TensorDirectory& tensors) {
  model::RopeScaling scaling;
  const std::string type = metadata.text("rope.scaling.type", "linear");
  scaling.factor = static_cast<double>(
      metadata.positive("rope.scaling.factor", metadata.positive("rope.scale_linear", 1.0)));
  scaling.originalContext =
      metadata.integer("rope.scaling.original_context_length", 1, kMostPositions, contextLength);
  const double magnitude = static_cast<double>(metadata.positive("rope.scaling.attn_factor", 1.0));
  if (type == "none" || type == "linear") {
    if (type == "linear" && scaling.factor != 1.0) scaling.kind = RopeScalingKind::Linear;
    scaling.magnitude = magnitude;
  } else if (type == "yarn") {
    scaling.kind = RopeScalingKind::Yarn;
    scaling.betaFast = static_cast<double>(metadata.positive("rope.scaling.yarn_beta_fast", 32.0));
    scaling.betaSlow = static_cast<double>(metadata.positive("rope.scaling.yarn_beta_slow", 1.0));
    scaling.magnitude = magnitude * (0.1 * std::log(scaling.factor) + 1.0);
  } else if (type == "longrope") {
    scaling.magnitude = magnitude;
  } else {
    throw Error(
        fmt::format("RoPE scaling of type {} is not supported, expected none, linear, yarn or longrope",
                    quotedName(type)));
  }
  scaling.factors = takeFactors(tensors, "rope_freqs.weight");
  if (scaling.factors.empty()) scaling.factors = takeFactors(tensors, "rope_factors_short.weight");
  scaling.longFactors = takeFactors(tensors, "rope_factors_long.weight");
  if (!scaling.longFactors.empty() && scaling.factors.empty()) {
    throw Error("tensor \"rope_factors_long.weight\" has no \"rope_factors_short.weight\" beside it");
  }
  if (!scaling.factors.empty()) {
    if (scaling.kind != RopeScalingKind::None) {
      throw Error(fmt::format("the file scales RoPE twice, by factors and {}, expected one of them", type));
    }
    scaling.kind = RopeScalingKind::Factors;
  }
  return scaling;
}

/// What an architecture's files leave unsaid.
void applyFamily(const Metadata& metadata, const TensorDirectory& tensors, model::ModelConfig& config) {
  if (config.architecture == "gemma2") {
    config.attentionSoftCap = metadata.cap("attn_logit_softcapping", 50.0);
    config.logitSoftCap = metadata.cap("final_logit_softcapping", 30.0);
    config.slidingWindow = metadata.integer("attention.sliding_window", 1, kMostPositions, 4096);
    // Of this family only the 27B model, which has 46 layers, scales by modelDim / heads instead of the head
    // size.
    constexpr int kLayersOf27B = 46;
    if (config.layerCount == kLayersOf27B) {
      config.attentionScale = 1.0f / std::sqrt(static_cast<float>(config.modelDim) /
                                               static_cast<float>(config.attention.queryHeadCount));
    }
  } else if (config.traits.windows != model::Windows::None) {
    config.slidingWindow = metadata.integer("attention.sliding_window", 0, kMostPositions, 0);
  }
  // Of this family those without a norm of the FFN run it beside attention.
  if (config.architecture == "stablelm" && !tensors.contains("blk.0.ffn_norm.weight")) {
    config.traits.block = model::Block::Parallel;
    config.traits.ownFfnNorm = false;
  }
  if (config.traits.block == model::Block::Parallel && !metadata.flag("use_parallel_residual", true)) {
    config.traits.block = model::Block::Sequential;
  }
}

ModelClaims readClaims(const GgufFile& file, const std::string& path, TensorDirectory& tensors) {
  const model::Architecture& architecture = architectureOf(file);
  const Metadata metadata(file, architecture.name);
  ModelClaims claims;
  model::ModelConfig& config = claims.config;
  config.architecture = architecture.name;
  config.traits = architecture.traits;
  if (const int experts = metadata.integer("expert_count", 0, kMost, 0); experts != 0) {
    throw Error(fmt::format("the model has {} experts, expected a dense model", experts));
  }
  config.name = text::replaceInvalidUtf8(
      file.text("general.name").value_or(std::filesystem::path(path).stem().string()));
  config.layerCount = metadata.integer("block_count", 1, 65536);
  config.modelDim = metadata.integer("embedding_length", 1, kMost);
  config.ffnDim = metadata.integer("feed_forward_length", 1, kMost);
  config.contextLength = metadata.integer("context_length", 1, kMostPositions);
  config.normEpsilon =
      metadata.positive(config.traits.norm == model::Norm::Rms ? "attention.layer_norm_rms_epsilon"
                                                               : "attention.layer_norm_epsilon");
  config.attention.queryHeadCount = metadata.integer("attention.head_count", 1, 65536);
  config.ropeBase = metadata.positive("rope.freq_base", 10000.0);
  config.ropeDim = metadata.integer("rope.dimension_count", 2, kMost, 0);
  if (config.traits.positions == model::Positions::Rope) {
    config.ropeScaling = readRopeScaling(metadata, config.contextLength, tensors);
  }
  if (metadata.has("attention.scale")) config.attentionScale = metadata.positive("attention.scale");
  applyFamily(metadata, tensors, config);

  claims.headCountSource = metadata.key("attention.head_count");
  claims.headDimSource = metadata.key("attention.key_length");
  claims.headDim = metadata.integer("attention.key_length", 1, 65536, 0);
  const int valueDim = metadata.integer("attention.value_length", 1, 65536, claims.headDim);
  if (valueDim != claims.headDim) {
    throw Error(fmt::format("{} is {} and {} is {}, expected the same", claims.headDimSource, claims.headDim,
                            metadata.key("attention.value_length"), valueDim));
  }
  claims.vocabSize = metadata.integer("vocab_size", 1, kMost, 0);
  claims.vocabSizeSource = metadata.key("vocab_size");
  const std::string kvKey = metadata.key("attention.head_count_kv");
  claims.kvHeads.push_back(
      {metadata.has("attention.head_count_kv") ? kvKey : "the lack of " + kvKey,
       metadata.integer("attention.head_count_kv", 1, 65536, config.attention.queryHeadCount)});
  return claims;
}

TensorDirectory listTensors(const GgufSet& files) {
  TensorDirectory tensors;
  for (const GgufTensor* entry : files.tensors()) {
    const GgufTensor& stored = *entry;
    if (!stored.storage) {
      throw Error(fmt::format("tensor {} is stored as {}, which this program does not read",
                              quotedName(stored.name), ggufTensorTypeName(stored.typeNumber)));
    }
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < stored.sizes.size(); ++i) rows *= static_cast<std::int64_t>(stored.sizes[i]);
    tensors.emplace(stored.name, model::Tensor{*stored.storage, rows,
                                               static_cast<std::int64_t>(stored.sizes[0]), stored.bytes});
  }
  return tensors;
}

void readVocabulary(const GgufFile& file, model::Model& model) {
  try {
    model.tokenizer = readTokenizer(file);
    model.chatTemplate = readChatTemplate(file);
  } catch (const Error& error) {
    model.notes.push_back(unusableTokenizerNote(error));
    return;
  }
  if (!model.tokenizer) return;
  const int tokens = model.tokenizer->vocabSize();
  if (tokens > model.config.vocabSize) {
    throw Error(fmt::format("the tokenizer has {} tokens, but the embedding has {} rows", tokens,
                            model.config.vocabSize));
  }
  if (tokens < model.config.vocabSize) {
    model.notes.push_back(
        fmt::format("The tokenizer has {} tokens, the embedding {} rows: ids from {} on have no text.",
                    tokens, model.config.vocabSize, tokens));
  }
}
}  // namespace

model::Model loadGguf(const std::string& path, const LoadProgress& progress) {
  auto memory = std::make_unique<MappedWeights>(path);
  const GgufSet& files = memory->files;
  const GgufFile& file = files.first();
  model::Model model;
  model.memory = std::move(memory);
  try {
    model.path = path;
    TensorDirectory tensors = listTensors(files);
    const ModelClaims claims = readClaims(file, path, tensors);
    buildModel(claims, tensors, model, progress);
    readVocabulary(file, model);
  } catch (const model::Cancelled&) {
    throw;
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
  return model;
}

}  // namespace headroom::formats
