#include "core/analysis/truth_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/model/architecture.h"
#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/text/chat_template.h"

namespace headroom::analysis {

namespace {

using model::bytesText;
using model::groupDigits;
using model::ModelConfig;
using model::Tensor;

std::string proofOf(const model::Model& model) {
  if (model.weights.layers.empty()) return "";
  const model::AttentionShape& heads = model.config.attention;
  const model::LayerWeights& layer = model.weights.layers.front();
  return fmt::format(
      "the output projection takes {} columns from {} query heads, so a head has {}; the key projection has "
      "{} rows, "
      "so there are {} / {} = {} KV heads",
      groupDigits(heads.queryDim()), heads.queryHeadCount, heads.headDim, groupDigits(layer.key.rows),
      groupDigits(layer.key.rows), heads.headDim, heads.kvHeadCount);
}

std::string activationText(const model::Traits& traits) {
  std::string_view name = "SiLU";
  if (traits.activation == model::Activation::GeluTanh) name = "GELU (tanh form)";
  if (traits.activation == model::Activation::GeluErf) name = "GELU (exact)";
  if (traits.activation == model::Activation::GeluTable)
    name = "GELU (tanh form, in half precision as ggml does)";
  return fmt::format("{} {}", traits.feedForward == model::FeedForward::Gated ? "gated" : "plain", name);
}

std::string positionText(const ModelConfig& config) {
  if (config.traits.positions == model::Positions::Learned) {
    return fmt::format("{} learned positions", groupDigits(config.contextLength));
  }
  std::string text = fmt::format("RoPE on {} of {} elements, base {:g}", config.ropeDim,
                                 config.attention.headDim, config.ropeBase);
  const model::RopeScaling& scaling = config.ropeScaling;
  if (scaling.kind == model::RopeScalingKind::Factors) {
    text +=
        fmt::format(", scaled by {} factors", scaling.longFactors.empty() ? "one set of" : "short and long");
  } else if (scaling.kind != model::RopeScalingKind::None) {
    text += fmt::format(", {} scaling by {:g}", shortName(scaling.kind), scaling.factor);
  }
  return text;
}

std::string forwardPassOf(const model::Model& model) {
  if (model.weights.layers.empty()) return "";
  const ModelConfig& config = model.config;
  const model::LayerWeights& layer = model.weights.layers.front();
  std::vector<std::string> parts;
  parts.emplace_back(config.traits.norm == model::Norm::Rms ? "RMSNorm" : "LayerNorm");
  if (config.traits.block == model::Block::Parallel) parts.emplace_back("attention and FFN in parallel");
  parts.push_back(activationText(config.traits));
  parts.push_back(positionText(config));
  if (!layer.queryBias.empty()) parts.emplace_back("biases on Q, K and V");
  if (config.traits.headNorms) parts.emplace_back("a norm per query and key head");
  if (config.traits.branchNorms) parts.emplace_back("norms behind attention and FFN");
  if (config.slidingWindow > 0 && config.traits.windows != model::Windows::None) {
    parts.push_back(
        fmt::format("a window of {} positions in {} layer", groupDigits(config.slidingWindow),
                    config.traits.windows == model::Windows::EveryLayer ? "every" : "every other"));
  }
  if (config.attentionSoftCap > 0.0f)
    parts.push_back(fmt::format("scores capped at {:g}", config.attentionSoftCap));
  if (config.logitSoftCap > 0.0f) parts.push_back(fmt::format("logits capped at {:g}", config.logitSoftCap));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<StorageShare> storagesOf(const model::Weights& weights) {
  std::map<model::Storage, StorageShare> shares;
  for (const Tensor* tensor : weights.stored()) {
    StorageShare& share = shares[tensor->storage];
    share.name = shortName(tensor->storage);
    ++share.tensors;
    share.bytes += tensor->bytes.size();
  }
  std::vector<StorageShare> result;
  for (const auto& [storage, share] : shares) result.push_back(share);
  std::ranges::sort(result, std::greater<>(), &StorageShare::bytes);
  return result;
}

std::string chatOf(const model::Model& model) {
  if (model.chatTemplate.empty()) return "";
  try {
    return std::string(text::ChatTemplate(model.chatTemplate).family());
  } catch (const model::Error&) {
    return "of no family that this program writes";
  }
}

std::string memoryText(const MemoryOutlook& memory) {
  if (memory.need.total() == 0) return memory.refusal;
  const std::string text =
      fmt::format("{} needed on {} ({}, {} cache of {} positions at {}, {} working memory), {} there",
                  bytesText(memory.needed()), memory.device,
                  memory.weightsOf.empty()
                      ? fmt::format("{} weights as {}", bytesText(memory.need.weights), memory.need.storage)
                      : fmt::format("the weights are {}'s and count there", memory.weightsOf),
                  bytesText(memory.need.cache), groupDigits(memory.contextLength), shortName(memory.kvType),
                  bytesText(memory.need.working), bytesText(memory.there));
  return memory.fits() ? text + ": it fits" : text + ". " + memory.refusal;
}

/// "layers 0, 2 of 4; the rows of positions 100 to 199 of 300"; empty when all of it is there.
std::string partText(const model::RecordedPart& part, const ModelConfig& config) {
  std::vector<std::string> parts;
  if (std::ssize(part.layers) < config.layerCount) {
    parts.push_back(fmt::format("layers {} of {}", fmt::join(part.layers, ", "), config.layerCount));
  }
  if (part.rowCount < config.contextLength) {
    parts.push_back(fmt::format("the rows of positions {} to {} of {}", part.firstRow,
                                part.firstRow + part.rowCount - 1, config.contextLength));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}
}  // namespace

std::string KvFormula::text() const {
  return fmt::format(
      "2 (K and V) \u00d7 {} layers \u00d7 {} KV heads \u00d7 {} head_dim \u00d7 {} bytes{} = {} bytes per "
      "{}",
      layers, kvHeads, headDim, bytesPerElement,
      sequences > 1 ? fmt::format(" \u00d7 {} sequences", sequences) : "", groupDigits(bytesPerToken),
      sequences > 1 ? "position" : "token");
}

KvFormula kvFormula(const ModelConfig& config, model::KvType type, int sequences) {
  return {.layers = config.layerCount,
          .kvHeads = config.attention.kvHeadCount,
          .headDim = config.attention.headDim,
          .bytesPerElement = model::bytesPerElement(type),
          .sequences = sequences,
          .bytesPerToken = model::kvCacheBytes(config, type, 1, static_cast<std::uint64_t>(sequences))};
}

TruthCard truthCard(const model::Model& model, std::optional<MemoryOutlook> memory, const std::string& note) {
  const ModelConfig& config = model.config;
  TruthCard card{.name = config.name, .path = model.path, .architecture = config.architecture};
  if (const model::Architecture* row = model::findArchitecture(config.architecture))
    card.family = row->models;
  card.config = config;
  card.proof = proofOf(model);
  card.forwardPass = forwardPassOf(model);
  card.parameterCount = model.weights.parameterCount();
  card.storedBytes = model.weights.storedBytes();
  card.storages = storagesOf(model.weights);
  card.tiedOutput = model.weights.tied();
  card.kvF32 = kvFormula(config, model::KvType::F32);
  card.kvF16 = kvFormula(config, model::KvType::F16);
  ModelConfig mha = config;
  mha.attention.kvHeadCount = mha.attention.queryHeadCount;
  card.kvBytesIfMha = model::kvCacheBytes(mha, model::KvType::F16, 1);
  if (model.tokenizer) {
    card.tokenizer =
        fmt::format("{}, {} tokens", model.tokenizer->kindText(), groupDigits(model.tokenizer->vocabSize()));
  }
  card.chat = chatOf(model);
  card.memory = std::move(memory);
  card.contradictions = model.contradictions;
  card.notes = model.notes;
  if (!note.empty()) card.notes.push_back(note);
  return card;
}

TruthCard traceCard(const std::string& path, const ModelConfig& config, const std::string& writer,
                    const model::RecordedPart& recorded) {
  TruthCard card{.name = config.name, .path = path, .architecture = config.architecture, .family = writer};
  card.config = config;
  card.kvF32 = kvFormula(config, model::KvType::F32);
  card.kvF16 = kvFormula(config, model::KvType::F16);
  card.isTrace = true;
  card.recorded = recorded;
  return card;
}

std::vector<CardRow> TruthCard::rows() const {
  const model::AttentionShape& heads = config.attention;
  const std::string kind(shortName(heads.kind()));
  std::vector<CardRow> result;
  const auto add = [&](std::string label, std::string value, std::string origin) {
    result.push_back({std::move(label), std::move(value), std::move(origin)});
  };
  add("Model", fmt::format("{} ({})", name, path), "stated");
  if (isTrace) {
    add("Recorded",
        fmt::format("a {}: attention of {} tokens; nothing is computed here", family,
                    groupDigits(config.contextLength)),
        "stated");
    add("Attention",
        fmt::format("{}: {} layers, {} query heads, {} KV heads, head_dim {}", kind, config.layerCount,
                    heads.queryHeadCount, heads.kvHeadCount, heads.headDim),
        "stated");
    if (const std::string part = partText(recorded, config); !part.empty()) {
      add("Attention in the file", part + "; the rest is not recorded", "counted");
    }
    add("KV cache, f32", kvF32.text(), "computed");
    add("KV cache, f16", kvF16.text(), "computed");
    return result;
  }
  add("Architecture", fmt::format("{}: {}", architecture, family), "stated");
  add("Attention",
      fmt::format("{}: {} query heads, {} KV heads, head_dim {}", kind, heads.queryHeadCount,
                  heads.kvHeadCount, heads.headDim),
      "counted");
  add("Proof", proof, "counted");
  add("Layers",
      fmt::format("{}, model {}, feed-forward {}, vocabulary {}", config.layerCount,
                  groupDigits(config.modelDim), groupDigits(config.ffnDim), groupDigits(config.vocabSize)),
      "counted");
  add("Forward pass", forwardPass, "stated");
  add("Context", fmt::format("{} positions", groupDigits(config.contextLength)), "stated");
  std::vector<std::string> shares;
  for (const StorageShare& share : storages) {
    shares.push_back(fmt::format("{} in {} {} tensors", bytesText(share.bytes), share.tensors, share.name));
  }
  add("Parameters",
      fmt::format("{}{}", groupDigits(parameterCount),
                  tiedOutput ? ", the output shares the embedding's" : ""),
      "counted");
  add("Stored", fmt::format("{}: {}", bytesText(storedBytes), fmt::join(shares, ", ")), "counted");
  add("KV cache, f32", kvF32.text(), "computed");
  add("KV cache, f16", kvF16.text(), "computed");
  if (heads.kvHeadCount < heads.queryHeadCount) {
    add("As MHA, f16",
        fmt::format("{} bytes per token, {} times as many", groupDigits(kvBytesIfMha), heads.groupSize()),
        "computed");
  }
  add("Tokenizer", tokenizer.empty() ? "none: token ids only" : tokenizer, "stated");
  if (!chat.empty()) add("Chat template", chat, "stated");
  if (memory) add("Memory", memoryText(*memory), "computed");
  for (const std::string& sentence : contradictions)
    result.push_back({"Contradiction", sentence, "counted", true});
  if (contradictions.empty()) add("Contradictions", "none found", "counted");
  for (const std::string& sentence : notes) add("Note", sentence, "stated");
  return result;
}

}  // namespace headroom::analysis
