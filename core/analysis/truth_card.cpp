#include "core/analysis/truth_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/model/architecture.h"
#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/text/chat_template.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

namespace {

using model::bytesText;
using model::groupDigits;
using model::ModelConfig;
using model::SentenceId;
using model::Tensor;
using text::inWords;

std::string proofOf(const model::Model& model) {
  if (model.weights.layers.empty()) return "";
  const model::AttentionShape& heads = model.config.attention;
  const model::LayerWeights& layer = model.weights.layers.front();
  return inWords<SentenceId::CardProof>(groupDigits(heads.queryDim()), std::to_string(heads.queryHeadCount),
                                        std::to_string(heads.headDim), groupDigits(layer.key.rows),
                                        std::to_string(heads.kvHeadCount));
}

std::string activationText(const model::Traits& traits) {
  const auto name = [&]() -> std::string {
    switch (traits.activation) {
      case model::Activation::GeluTanh:
        return inWords<SentenceId::CardGeluTanh>();
      case model::Activation::GeluErf:
        return inWords<SentenceId::CardGeluExact>();
      case model::Activation::GeluTable:
        return inWords<SentenceId::CardGeluTable>();
      default:
        return "SiLU";
    }
  }();
  return traits.feedForward == model::FeedForward::Gated ? inWords<SentenceId::CardGated>(name)
                                                         : inWords<SentenceId::CardPlain>(name);
}

std::string positionText(const ModelConfig& config) {
  if (config.traits.positions == model::Positions::Learned) {
    return inWords<SentenceId::CardLearnedPositions>(groupDigits(config.contextLength));
  }
  const std::string text =
      inWords<SentenceId::CardRope>(std::to_string(config.ropeDim), std::to_string(config.attention.headDim),
                                    fmt::format("{:g}", config.ropeBase));
  const model::RopeScaling& scaling = config.ropeScaling;
  if (scaling.kind == model::RopeScalingKind::None) return text;
  if (scaling.kind != model::RopeScalingKind::Factors) {
    return text + ", " +
           inWords<SentenceId::CardRopeScaling>(std::string(shortName(scaling.kind)),
                                                fmt::format("{:g}", scaling.factor));
  }
  return text + ", " +
         (scaling.longFactors.empty() ? inWords<SentenceId::CardRopeOneSet>()
                                      : inWords<SentenceId::CardRopeTwoSets>());
}

std::string forwardPassOf(const model::Model& model) {
  if (model.weights.layers.empty()) return "";
  const ModelConfig& config = model.config;
  const model::LayerWeights& layer = model.weights.layers.front();
  std::vector<std::string> parts;
  parts.emplace_back(config.traits.norm == model::Norm::Rms ? "RMSNorm" : "LayerNorm");
  if (config.traits.block == model::Block::Parallel) parts.push_back(inWords<SentenceId::CardParallel>());
  parts.push_back(activationText(config.traits));
  parts.push_back(positionText(config));
  if (!layer.queryBias.empty()) parts.push_back(inWords<SentenceId::CardBiases>());
  if (config.traits.headNorms) parts.push_back(inWords<SentenceId::CardHeadNorms>());
  if (config.traits.branchNorms) parts.push_back(inWords<SentenceId::CardBranchNorms>());
  if (config.slidingWindow > 0 && config.traits.windows != model::Windows::None) {
    const std::string window = groupDigits(config.slidingWindow);
    parts.push_back(config.traits.windows == model::Windows::EveryLayer
                        ? inWords<SentenceId::CardWindowEvery>(window)
                        : inWords<SentenceId::CardWindowEveryOther>(window));
  }
  if (config.attentionSoftCap > 0.0f)
    parts.push_back(inWords<SentenceId::CardScoresCapped>(fmt::format("{:g}", config.attentionSoftCap)));
  if (config.logitSoftCap > 0.0f)
    parts.push_back(inWords<SentenceId::CardLogitsCapped>(fmt::format("{:g}", config.logitSoftCap)));
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
    return inWords<SentenceId::CardUnknownChat>();
  }
}

std::string memoryText(const MemoryOutlook& memory) {
  if (memory.need.total() == 0) return memory.refusal;
  const std::string weights =
      memory.weightsOf.empty()
          ? inWords<SentenceId::CardWeights>(bytesText(memory.need.weights), memory.need.storage)
          : inWords<SentenceId::CardWeightsShared>(memory.weightsOf);
  const std::string text = inWords<SentenceId::CardMemory>(
      bytesText(memory.needed()), memory.device, weights, bytesText(memory.need.cache),
      groupDigits(memory.contextLength), std::string(shortName(memory.kvType)),
      bytesText(memory.need.working), bytesText(memory.there));
  return memory.fits() ? inWords<SentenceId::CardFits>(text)
                       : inWords<SentenceId::CardFitsNot>(text, memory.refusal);
}

/// "layers 0, 2 of 4; the rows of positions 100 to 199 of 300"; empty when all of it is there.
std::string partText(const model::RecordedPart& part, const ModelConfig& config) {
  std::vector<std::string> parts;
  if (std::ssize(part.layers) < config.layerCount) {
    parts.push_back(inWords<SentenceId::CardLayersOf>(fmt::format("{}", fmt::join(part.layers, ", ")),
                                                      std::to_string(config.layerCount)));
  }
  if (part.rowCount < config.contextLength) {
    parts.push_back(inWords<SentenceId::CardRowsOf>(std::to_string(part.firstRow),
                                                    std::to_string(part.firstRow + part.rowCount - 1),
                                                    std::to_string(config.contextLength)));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}
}  // namespace

std::string KvFormula::text() const {
  const std::string l = std::to_string(layers), heads = std::to_string(kvHeads),
                    dim = std::to_string(headDim), element = std::to_string(bytesPerElement),
                    bytes = groupDigits(bytesPerToken);
  return sequences > 1 ? inWords<SentenceId::CardCachePerPosition>(l, heads, dim, element,
                                                                   std::to_string(sequences), bytes)
                       : inWords<SentenceId::CardCachePerToken>(l, heads, dim, element, bytes);
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
    card.tokenizer = inWords<SentenceId::CardTokenizer>(model.tokenizer->kindText(),
                                                        groupDigits(model.tokenizer->vocabSize()));
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
  const std::string kind(shortName(heads.kind())), queryHeads = std::to_string(heads.queryHeadCount),
                                                   kvHeads = std::to_string(heads.kvHeadCount),
                                                   headDim = std::to_string(heads.headDim);
  std::vector<CardRow> result;
  const auto add = [&](std::string label, std::string value, std::string origin) {
    result.push_back({std::move(label), std::move(value), std::move(origin)});
  };
  add("Model", fmt::format("{} ({})", name, path), "stated");
  if (isTrace) {
    add("Recorded", inWords<SentenceId::CardRecorded>(family, groupDigits(config.contextLength)), "stated");
    add("Attention",
        inWords<SentenceId::CardRecordedHeads>(kind, std::to_string(config.layerCount), queryHeads, kvHeads,
                                               headDim),
        "stated");
    if (const std::string part = partText(recorded, config); !part.empty()) {
      add("Attention in the file", inWords<SentenceId::CardNotRecorded>(part), "counted");
    }
    add("KV cache, f32", kvF32.text(), "computed");
    add("KV cache, f16", kvF16.text(), "computed");
    return result;
  }
  add("Architecture", fmt::format("{}: {}", architecture, family), "stated");
  add("Attention", inWords<SentenceId::CardHeads>(kind, queryHeads, kvHeads, headDim), "counted");
  add("Proof", proof, "counted");
  add("Layers",
      inWords<SentenceId::CardSizes>(std::to_string(config.layerCount), groupDigits(config.modelDim),
                                     groupDigits(config.ffnDim), groupDigits(config.vocabSize)),
      "counted");
  add("Forward pass", forwardPass, "stated");
  add("Context", inWords<SentenceId::CardPositions>(groupDigits(config.contextLength)), "stated");
  std::vector<std::string> shares;
  for (const StorageShare& share : storages) {
    shares.push_back(
        inWords<SentenceId::CardShare>(bytesText(share.bytes), std::to_string(share.tensors), share.name));
  }
  add("Parameters",
      tiedOutput ? inWords<SentenceId::CardTied>(groupDigits(parameterCount)) : groupDigits(parameterCount),
      "counted");
  add("Stored", fmt::format("{}: {}", bytesText(storedBytes), fmt::join(shares, ", ")), "counted");
  add("KV cache, f32", kvF32.text(), "computed");
  add("KV cache, f16", kvF16.text(), "computed");
  if (heads.kvHeadCount < heads.queryHeadCount) {
    add("As MHA, f16",
        inWords<SentenceId::CardAsMha>(groupDigits(kvBytesIfMha), std::to_string(heads.groupSize())),
        "computed");
  }
  add("Tokenizer", tokenizer.empty() ? inWords<SentenceId::CardNoTokenizer>() : tokenizer, "stated");
  if (!chat.empty()) add("Chat template", chat, "stated");
  if (memory) add("Memory", memoryText(*memory), "computed");
  for (const std::string& sentence : contradictions)
    result.push_back({"Contradiction", sentence, "counted", true});
  if (contradictions.empty()) add("Contradictions", inWords<SentenceId::CardNoContradictions>(), "counted");
  for (const std::string& sentence : notes) add("Note", sentence, "stated");
  return result;
}

}  // namespace headroom::analysis
