#include "core/formats/hugging_face_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/model/error.h"
#include "core/model/utf8.h"

namespace headroom::formats {

namespace {
using model::Error;
using model::quotedName;
using model::Tensor;

using Names = std::pair<std::string_view, std::string_view>;

// What stands in a layer, without ".weight" and ".bias". No two families mean different things by one name,
// but for Gemma 2's norms.
constexpr Names kLayerNames[] = {
    {"input_layernorm", "attn_norm"},
    {"ln_1", "attn_norm"},
    {"ln_mlp", "attn_norm"},     // Falcon 40B: the FFN's
    {"ln_attn", "attn_norm_2"},  // and the attention's
    {"post_attention_layernorm", "ffn_norm"},
    {"ln_2", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"self_attention.query_key_value", "attn_qkv"},
    {"attention.query_key_value", "attn_qkv"},
    {"attn.c_attn", "attn_qkv"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.dense", "attn_output"},
    {"self_attention.dense", "attn_output"},
    {"attention.dense", "attn_output"},
    {"attn.c_proj", "attn_output"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.fc1", "ffn_up"},
    {"mlp.c_fc", "ffn_up"},
    {"mlp.dense_h_to_4h", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"mlp.fc2", "ffn_down"},
    {"mlp.c_proj", "ffn_down"},
    {"mlp.dense_4h_to_h", "ffn_down"},
};
constexpr Names kGemma2Norms[] = {
    {"post_attention_layernorm", "post_attention_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
};
constexpr Names kOtherNames[] = {
    {"embed_tokens", "token_embd"},
    {"wte", "token_embd"},
    {"word_embeddings", "token_embd"},
    {"embed_in", "token_embd"},
    {"wpe", "position_embd"},
    {"norm", "output_norm"},
    {"ln_f", "output_norm"},
    {"final_layernorm", "output_norm"},
    {"final_layer_norm", "output_norm"},
    {"lm_head", "output"},
    {"embed_out", "output"},
};
constexpr std::string_view kPrefixes[] = {"model.", "transformer.", "gpt_neox."};
constexpr std::string_view kLayerPrefixes[] = {"layers.", "h."};
/// Causal masks and rotation tables, which old checkpoints keep beside the weights.
constexpr std::string_view kNoWeights[] = {".attn.bias", ".attn.masked_bias", ".attention.bias",
                                           ".attention.masked_bias", ".rotary_emb.inv_freq"};

bool dropPrefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

template <std::size_t count>
std::string_view lookUp(const Names (&table)[count], std::string_view name) {
  const auto found = std::ranges::find(table, name, &Names::first);
  return found == std::end(table) ? std::string_view() : found->second;
}

/// "weight" or "bias" behind the last dot, which is cut off with it; empty for anything else.
std::string_view cutKind(std::string_view& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view kind = name.substr(dot + 1);
  if (kind != "weight" && kind != "bias") return {};
  name = name.substr(0, dot);
  return kind;
}

std::size_t elementBytes(const Tensor& tensor) {
  return static_cast<std::size_t>(model::formatOf(tensor.storage).blockBytes);
}

template <typename Word>
void transposeWords(const Tensor& tensor, std::byte* target) {
  constexpr std::int64_t kTile = 32;  // rows and columns that stay in the fastest cache together
  for (std::int64_t rowTile = 0; rowTile < tensor.rows; rowTile += kTile) {
    for (std::int64_t columnTile = 0; columnTile < tensor.columns; columnTile += kTile) {
      for (std::int64_t row = rowTile; row < std::min(rowTile + kTile, tensor.rows); ++row) {
        for (std::int64_t column = columnTile; column < std::min(columnTile + kTile, tensor.columns);
             ++column) {
          std::memcpy(
              target + static_cast<std::size_t>(column * tensor.rows + row) * sizeof(Word),
              tensor.bytes.data() + static_cast<std::size_t>(row * tensor.columns + column) * sizeof(Word),
              sizeof(Word));
        }
      }
    }
  }
}

/// [columns][rows] of the same elements.
Tensor transposed(const Tensor& tensor, OwnedTensors& owned) {
  std::vector<std::byte>& target = owned.emplace_back(tensor.bytes.size());
  if (tensor.storage == model::Storage::F32) {
    transposeWords<std::uint32_t>(tensor, target.data());
  } else {
    transposeWords<std::uint16_t>(tensor, target.data());
  }
  return {tensor.storage, tensor.columns, tensor.rows, target};
}

/// A Gemma norm stores what is added to 1.
Tensor plusOne(const Tensor& tensor, OwnedTensors& owned) {
  std::vector<float> values = tensor.toFloat();
  for (float& value : values) value += 1.0f;
  const auto bytes = std::as_bytes(std::span(values));
  std::vector<std::byte>& target = owned.emplace_back(bytes.begin(), bytes.end());
  return {model::Storage::F32, tensor.rows, tensor.columns, target};
}

/// Rows of queries, keys and values, one behind the other, of a matrix whose rows lie by KV head: its
/// queries, its key, its value.
Tensor regrouped(const Tensor& tensor, int queryHeads, int kvHeads, std::size_t headBytes,
                 OwnedTensors& owned) {
  if (kvHeads == 1) return tensor;  // one group lies in that order
  std::vector<std::byte>& target = owned.emplace_back(tensor.bytes.size());
  const auto group = static_cast<std::size_t>(queryHeads / kvHeads);
  const auto place = [&](std::size_t head, std::size_t source, std::size_t heads) {
    std::memcpy(target.data() + head * headBytes, tensor.bytes.data() + source * headBytes,
                heads * headBytes);
  };
  for (std::size_t kvHead = 0; kvHead < static_cast<std::size_t>(kvHeads); ++kvHead) {
    const std::size_t first = kvHead * (group + 2);
    place(kvHead * group, first, group);
    place(static_cast<std::size_t>(queryHeads) + kvHead, first + group, 1);
    place(static_cast<std::size_t>(queryHeads + kvHeads) + kvHead, first + group + 1, 1);
  }
  return {tensor.storage, tensor.rows, tensor.columns, target};
}

/// Puts every "attn_qkv" into GGUF's order, where the shapes allow to tell its heads.
void regroupJointProjections(int queryHeads, TensorDirectory& tensors, OwnedTensors& owned) {
  const auto output = tensors.find("blk.0.attn_output.weight");
  if (output == tensors.end() || output->second.columns % queryHeads != 0) return;
  const std::int64_t headDim = output->second.columns / queryHeads;
  for (auto& [name, tensor] : tensors) {
    if (name.find(".attn_qkv.") == std::string::npos || headDim == 0) continue;
    const bool isBias = name.ends_with(".bias");
    const std::int64_t rows = isBias ? tensor.columns : tensor.rows;
    const std::int64_t kvHeads = (rows / headDim - queryHeads) / 2;
    // Shapes that do not come out are left for the builder to name.
    if (rows % headDim != 0 || kvHeads < 1 || queryHeads + 2 * kvHeads != rows / headDim ||
        queryHeads % kvHeads != 0) {
      continue;
    }
    const std::size_t rowLength =
        elementBytes(tensor) * static_cast<std::size_t>(isBias ? 1 : tensor.columns);
    tensor = regrouped(tensor, queryHeads, static_cast<int>(kvHeads),
                       static_cast<std::size_t>(headDim) * rowLength, owned);
  }
}

bool isTransposed(std::string_view ggufName) {
  for (const char* name : {".attn_qkv.weight", ".attn_output.weight", ".ffn_up.weight", ".ffn_down.weight"}) {
    if (ggufName.ends_with(name)) return true;
  }
  return false;
}
}  // namespace

std::optional<std::string> ggufNameOf(std::string_view name, std::string_view modelType) {
  for (std::string_view ending : kNoWeights) {
    if (name.ends_with(ending)) return std::string();
  }
  for (std::string_view prefix : kPrefixes) {
    if (dropPrefix(name, prefix)) break;
  }
  const bool isLayer =
      std::ranges::any_of(kLayerPrefixes, [&](auto prefix) { return dropPrefix(name, prefix); });
  std::string_view layer;
  if (isLayer) {
    const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
    layer = name.substr(0, digits);
    name.remove_prefix(digits);
    if (layer.empty() || !dropPrefix(name, ".")) return std::nullopt;
  }
  const std::string_view kind = cutKind(name);
  if (kind.empty()) return std::nullopt;
  if (!isLayer) {
    const std::string_view other = lookUp(kOtherNames, name);
    return other.empty() ? std::nullopt : std::optional(fmt::format("{}.{}", other, kind));
  }
  std::string_view found = modelType == "gemma2" ? lookUp(kGemma2Norms, name) : std::string_view();
  if (found.empty()) found = lookUp(kLayerNames, name);
  return found.empty() ? std::nullopt : std::optional(fmt::format("blk.{}.{}.{}", layer, found, kind));
}

TensorDirectory listHuggingFaceTensors(const HuggingFaceConfig& config,
                                       const std::vector<SafetensorsFile>& files, OwnedTensors& owned) {
  const std::string_view type = config.modelType;
  TensorDirectory tensors;
  for (const SafetensorsFile& file : files) {
    for (const SafeTensor& stored : file.tensors()) {
      const auto name = ggufNameOf(stored.name, type);
      if (!name) {
        throw Error(fmt::format("tensor {} is not part of a {} model as this program computes it",
                                quotedName(stored.name), type));
      }
      if (name->empty() || (config.tied && *name == "output.weight")) continue;
      if (!stored.storage) {
        throw Error(fmt::format("tensor {} is stored as {}, expected F32, F16 or BF16",
                                quotedName(stored.name), quotedName(stored.dtype)));
      }
      Tensor tensor = stored.matrix();
      if (type == "gpt2" && isTransposed(*name)) tensor = transposed(tensor, owned);
      if (type.starts_with("gemma") && name->ends_with("norm.weight")) tensor = plusOne(tensor, owned);
      if (!tensors.emplace(*name, tensor).second) {
        throw Error(fmt::format("tensor {} is there twice, as another one with the same meaning",
                                quotedName(stored.name)));
      }
    }
  }
  if (type == "falcon" || type == "gpt_neox" || type == "gpt_bigcode") {
    regroupJointProjections(config.claims.config.attention.queryHeadCount, tensors, owned);
  }
  return tensors;
}

}  // namespace headroom::formats
