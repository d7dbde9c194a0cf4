#include "core/formats/model_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "core/formats/gguf/gguf_layout.h"
#include "core/formats/weight_scan.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using model::Tensor;
using text::quotedName;

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
/// A layer has at least a norm, two projections of attention and two of the FFN.
constexpr std::size_t kFewestTensorsPerLayer = 5;

const Tensor* find(const TensorDirectory& tensors, std::string_view name) {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

const Tensor& required(const ModelClaims& claims, const TensorDirectory& tensors, std::string_view name) {
  const Tensor* tensor = find(tensors, name);
  if (!tensor) throw Error(fmt::format("tensor \"{}\" is missing", claims.shown(name)));
  return *tensor;
}

std::int64_t boundedRows(const ModelClaims& claims, const Tensor& tensor, std::string_view name) {
  if (tensor.rows > kMost) {
    throw Error(fmt::format("{} has {} rows, expected at most {}", claims.shown(name), tensor.rows, kMost));
  }
  return tensor.rows;
}

/// Rows of the key projection of layer 0, which with the head size count the KV heads.
struct KeyRows {
  std::int64_t count = 0;
  std::string proof;  ///< "the key projection has 64 rows"
};

KeyRows keyRows(const ModelClaims& claims, const TensorDirectory& tensors, std::int64_t queryDim) {
  constexpr std::string_view kJoint = "blk.0.attn_qkv.weight";
  constexpr std::string_view kKeys = "blk.0.attn_k.weight";
  constexpr std::string_view kValues = "blk.0.attn_v.weight";
  if (const Tensor* fused = find(tensors, kJoint); fused && !find(tensors, kKeys)) {
    const std::int64_t rows = boundedRows(claims, *fused, kJoint);
    if (rows <= queryDim || (rows - queryDim) % 2 != 0) {
      throw Error(fmt::format("{} has {} rows, expected {} for queries and as many for keys as for values",
                              claims.shown(kJoint), rows, queryDim));
    }
    return {(rows - queryDim) / 2, fmt::format("the joint projection has {} rows, {} of them for keys", rows,
                                               (rows - queryDim) / 2)};
  }
  const std::int64_t keys = boundedRows(claims, required(claims, tensors, kKeys), kKeys);
  const std::int64_t values = boundedRows(claims, required(claims, tensors, kValues), kValues);
  if (keys != values) {
    throw Error(fmt::format("{} has {} rows and {} {}, expected the same", claims.shown(kKeys), keys,
                            claims.shown(kValues), values));
  }
  return {keys, fmt::format("the key projection has {} rows", keys)};
}

/// Counts the heads. The output projection's columns and the head count fix the head size; the key projection
/// then proves the number of KV heads, whatever the metadata says.
void proveAttention(const ModelClaims& claims, const TensorDirectory& tensors, model::Model& model) {
  model::AttentionShape& shape = model.config.attention;
  constexpr std::string_view kOutput = "blk.0.attn_output.weight";
  const std::int64_t queryDim = required(claims, tensors, kOutput).columns;
  if (queryDim > kMost || queryDim % shape.queryHeadCount != 0) {
    throw Error(fmt::format("{} has {} columns, which {} query heads do not divide", claims.shown(kOutput),
                            queryDim, shape.queryHeadCount));
  }
  shape.headDim = static_cast<int>(queryDim / shape.queryHeadCount);
  const KeyRows keys = keyRows(claims, tensors, queryDim);
  if (keys.count % shape.headDim != 0) {
    throw Error(fmt::format("{}, expected a multiple of the head size {}", keys.proof, shape.headDim));
  }
  shape.kvHeadCount = static_cast<int>(keys.count / shape.headDim);
  if (shape.queryHeadCount % shape.kvHeadCount != 0) {
    throw Error(fmt::format("{} query heads are not a multiple of {} KV heads", shape.queryHeadCount,
                            shape.kvHeadCount));
  }
  for (const KvHeadClaim& claim : claims.kvHeads) {
    if (claim.kvHeadCount == shape.kvHeadCount) continue;
    model.contradictions.push_back(fmt::format("{} means {} KV heads; {} and a head has {}, so there are {}",
                                               claim.source, claim.kvHeadCount, keys.proof, shape.headDim,
                                               shape.kvHeadCount));
  }
  const int impliedHeadDim =
      claims.headDim > 0 ? claims.headDim : model.config.modelDim / shape.queryHeadCount;
  if (impliedHeadDim != shape.headDim) {
    model.contradictions.push_back(fmt::format(
        "{} means a head size of {}; the output projection has {} columns for {} query heads, so it is {}",
        claims.headDim > 0 ? claims.headDimSource : claims.headCountSource, impliedHeadDim, queryDim,
        shape.queryHeadCount, shape.headDim));
  }
}

/// What else follows from shapes: vocabulary, FFN, norms of parallel blocks, rotated elements.
void proveRest(const ModelClaims& claims, const TensorDirectory& tensors, model::Model& model) {
  model::ModelConfig& config = model.config;
  config.vocabSize = static_cast<int>(
      boundedRows(claims, required(claims, tensors, "token_embd.weight"), "token_embd.weight"));
  if (claims.vocabSize > 0 && claims.vocabSize != config.vocabSize) {
    model.contradictions.push_back(fmt::format("{} claims a vocabulary of {}; the embedding has {} rows",
                                               claims.vocabSizeSource, claims.vocabSize, config.vocabSize));
  }
  const std::int64_t hidden = required(claims, tensors, "blk.0.ffn_down.weight").columns;
  if (config.ffnDim == 0 && hidden <= kMost) config.ffnDim = static_cast<int>(hidden);
  if (config.ropeDim == 0) config.ropeDim = config.attention.headDim;
  if (config.traits.positions == model::Positions::Learned) config.ropeDim = 0;
  if (config.ropeDim < 0 || config.ropeDim > config.attention.headDim || config.ropeDim % 2 != 0) {
    throw Error(fmt::format("{} elements of a head are rotated, expected an even number up to {}",
                            config.ropeDim, config.attention.headDim));
  }
  const std::size_t pairs = static_cast<std::size_t>(config.ropeDim) / 2;
  for (const std::vector<float>* factors : {&config.ropeScaling.factors, &config.ropeScaling.longFactors}) {
    if (!factors->empty() && factors->size() != pairs) {
      throw Error(fmt::format("there are {} RoPE factors, expected one for each of {} pairs", factors->size(),
                              pairs));
    }
    const auto bad =
        std::ranges::find_if(*factors, [](float factor) { return !(factor > 0.0f && factor < 1e9f); });
    if (bad != factors->end()) {
      throw Error(fmt::format("a RoPE factor is {}, expected a positive number", *bad));
    }
  }
  if (find(tensors, "blk.0.attn_norm_2.weight") || find(tensors, "blk.0.attn_norm_2.bias")) {
    config.traits.ownFfnNorm = true;
  }
}

/// The stored tensor of a slot, cut out of a joint one where there is one; empty when it is not in the file.
Tensor locate(const ModelClaims& claims, const TensorDirectory& tensors, const TensorSlot& slot,
              std::set<std::string_view>& used) {
  const auto isWhole = [&](const Tensor& stored) {
    return stored.rows == slot.rows && stored.columns == slot.columns;
  };
  const bool isVector = slot.rows == 1;
  const auto direct = tensors.find(slot.name);
  if (direct != tensors.end() && (isWhole(direct->second) || slot.fusedName != slot.name)) {
    used.insert(direct->first);
    if (isWhole(direct->second)) return direct->second;
    throw Error(fmt::format("tensor \"{}\" has shape {} x {}, expected {} x {}", claims.shown(slot.name),
                            direct->second.rows, direct->second.columns, slot.rows, slot.columns));
  }
  const auto fused = slot.fusedName.empty() ? tensors.end() : tensors.find(slot.fusedName);
  if (fused == tensors.end()) return {};
  // Up alone, without a gate: what is missing is the gate, not a part of up.
  if (slot.name.ends_with(".ffn_gate.weight") && isWhole(fused->second)) return {};
  used.insert(fused->first);
  const std::int64_t rows = isVector ? 1 : slot.fusedRows;
  const std::int64_t columns = isVector ? slot.fusedRows : slot.columns;
  if (fused->second.rows != rows || fused->second.columns != columns) {
    throw Error(fmt::format("tensor \"{}\" has shape {} x {}, expected {} x {}", claims.shown(slot.fusedName),
                            fused->second.rows, fused->second.columns, rows, columns));
  }
  return isVector ? fused->second.columnsFrom(slot.fusedFirst, slot.columns)
                  : fused->second.rowsFrom(slot.fusedFirst, slot.rows);
}

/// The check of all weights, and who is told how far it is.
struct Scan {
  const model::WeightMemory* memory;
  const LoadProgress& progress;
  std::uint64_t totalBytes = 0;
  std::uint64_t doneBytes = 0;

  void advance(std::uint64_t bytes) {
    doneBytes = std::min(totalBytes, doneBytes + bytes);
    if (progress) progress(static_cast<double>(doneBytes) / static_cast<double>(totalBytes));
  }
};

/// Index of the first element that is NaN or infinite, or -1; in stretches, which leave memory again.
std::int64_t firstUnusable(const Tensor& tensor, Scan& scan) {
  constexpr std::uint64_t kStretchBytes = 16u << 20;
  const std::uint64_t rowBytes = tensor.bytes.size() / static_cast<std::uint64_t>(tensor.rows);
  const auto stretch = static_cast<std::int64_t>(std::max<std::uint64_t>(1, kStretchBytes / rowBytes));
  for (std::int64_t first = 0; first < tensor.rows; first += stretch) {
    const Tensor rows = tensor.rowsFrom(first, std::min(stretch, tensor.rows - first));
    if (scan.memory) scan.memory->willRead(rows.bytes);
    const std::int64_t bad = firstNonFinite(rows);
    if (bad >= 0) return first * tensor.columns + bad;
    if (scan.memory) scan.memory->letGo(rows.bytes);
    scan.advance(rows.bytes.size());
  }
  return -1;
}

void refuseUnusable(const ModelClaims& claims, const TensorSlot& slot, Scan& scan) {
  if (slot.rows == 1 && slot.tensor->storage != model::Storage::F32 &&
      slot.tensor->storage != model::Storage::F16 && slot.tensor->storage != model::Storage::BF16) {
    throw Error(fmt::format("tensor \"{}\" is a vector stored as {}, expected F32, F16 or BF16",
                            claims.shown(slot.name), shortName(slot.tensor->storage)));
  }
  const std::int64_t bad = firstUnusable(*slot.tensor, scan);
  if (bad >= 0) {
    throw Error(fmt::format("tensor \"{}\" holds NaN or infinity at element {}, expected finite weights",
                            claims.shown(slot.name), bad));
  }
}

void fillWeights(const ModelClaims& claims, const TensorDirectory& tensors, model::Model& model,
                 const LoadProgress& progress) {
  const std::size_t layerLimit = tensors.size() / kFewestTensorsPerLayer;
  if (static_cast<std::size_t>(model.config.layerCount) > layerLimit) {
    throw Error(fmt::format("the metadata claims {} layers, but {} tensors hold at most {}",
                            model.config.layerCount, tensors.size(), layerLimit));
  }
  Scan scan{.memory = model.memory.get(), .progress = progress};
  for (const auto& [name, tensor] : tensors) scan.totalBytes += tensor.bytes.size();
  const std::vector<TensorSlot> slots = modelTensors(model.config, model.weights);
  std::set<std::string_view> used;
  std::map<model::Storage, std::int64_t> elements;
  for (const TensorSlot& slot : slots) {
    *slot.tensor = locate(claims, tensors, slot, used);
    if (slot.tensor->empty()) {
      if (slot.optional) continue;
      throw Error(fmt::format("tensor \"{}\" is missing", claims.shown(slot.name)));
    }
    refuseUnusable(claims, slot, scan);
    if (slot.rows > 1) elements[slot.tensor->storage] += slot.tensor->elementCount();
  }
  if (model.weights.output.empty()) model.weights.output = model.weights.tokenEmbedding;
  for (model::LayerWeights& layer : model.weights.layers) {
    if (!layer.ffnNorm.empty()) continue;
    layer.ffnNorm = layer.attentionNorm;
    layer.ffnNormBias = layer.attentionNormBias;
  }
  for (const auto& [name, tensor] : tensors) {
    if (used.contains(name)) continue;
    throw Error(fmt::format("tensor {} is not part of a {}-layer {} model as this program computes it",
                            quotedName(claims.shown(name)), model.config.layerCount,
                            model.config.architecture));
  }
  std::int64_t most = 0;
  for (const auto& [storage, count] : elements) {
    if (count > most) model.storageName = shortName(storage);
    most = std::max(most, count);
  }
}
}  // namespace

void buildModel(const ModelClaims& claims, const TensorDirectory& tensors, model::Model& model,
                const LoadProgress& progress) {
  model.config = claims.config;
  proveAttention(claims, tensors, model);
  proveRest(claims, tensors, model);
  fillWeights(claims, tensors, model, progress);
}

std::string unusableTokenizerNote(const Error& why) {
  return fmt::format("The tokenizer cannot be used, token ids can: {}.", why.what());
}

}  // namespace headroom::formats
