#include "core/formats/hugging_face/hugging_face_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace headroom::formats {

namespace {
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

/// A GGUF name of a layer: "blk.3.attn_q.weight" is layer "3", "attn_q", "weight".
struct LayerName {
  std::string_view layer;
  std::string_view name;
  std::string_view kind;
};

std::optional<LayerName> splitLayerName(std::string_view ggufName) {
  if (!dropPrefix(ggufName, "blk.")) return std::nullopt;
  const std::size_t dot = ggufName.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  LayerName parts{.layer = ggufName.substr(0, dot), .name = ggufName.substr(dot + 1), .kind = {}};
  parts.kind = cutKind(parts.name);
  return parts;
}

/// How the names begin that a family uses where several families have their own.
struct Dialect {
  std::string_view modelType;
  std::vector<std::string_view> beginnings;
  bool isJoint = false;  ///< queries, keys and values lie in one tensor
};

const Dialect& dialectOf(std::string_view modelType) {
  static const std::vector<Dialect> dialects = {
      {"gpt2", {"ln_", "attn.c_", "mlp.c_", "wte", "wpe"}, true},
      {"gpt_bigcode", {"ln_", "attn.c_", "mlp.c_", "wte", "wpe"}, true},
      {"falcon", {"self_attention.", "mlp.dense_", "word_embeddings", "ln_f"}, true},
      {"gpt_neox", {"attention.", "mlp.dense_", "embed_in", "embed_out", "final_layer_norm"}, true},
      {"phi", {"self_attn.dense", "mlp.fc", "final_layernorm"}},
      {"phi3", {"self_attn.qkv", "mlp.gate_up"}, true},
      {"starcoder2", {"mlp.c_"}},
      {"", {}},  // as Llama, whose names stand first in the tables
  };
  const auto found = std::ranges::find(dialects, modelType, &Dialect::modelType);
  return found == dialects.end() ? dialects.back() : *found;
}

/// The name of a family for what GGUF calls `ggufShort`; empty when none has one.
std::string_view familyName(std::span<const Names> table, std::string_view ggufShort,
                            const Dialect& dialect) {
  std::string_view first;
  for (const Names& entry : table) {
    if (entry.second != ggufShort) continue;
    const bool isOwn = std::ranges::any_of(
        dialect.beginnings, [&](std::string_view beginning) { return entry.first.starts_with(beginning); });
    if (isOwn) return entry.first;
    if (first.empty()) first = entry.first;
  }
  return first;
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

/// What stands before the number of a layer: of any tensor of the folder, or as the family has it.
std::string FolderNames::layerPrefix() const {
  for (const auto& [ggufName, stored] : m_stored) {
    const auto parts = splitLayerName(ggufName);
    if (!parts) continue;
    const std::size_t at = stored.find("." + std::string(parts->layer) + ".");
    if (at != std::string::npos) return stored.substr(0, at + 1);
  }
  if (m_modelType == "gpt_neox") return "gpt_neox.layers.";
  const bool isGpt2 = m_modelType == "gpt2" || m_modelType == "gpt_bigcode" || m_modelType == "falcon";
  return isGpt2 ? "transformer.h." : "model.layers.";
}

std::string_view FolderNames::shortName(std::string_view ggufShort) const {
  const Dialect& dialect = dialectOf(m_modelType);
  if (dialect.isJoint && (ggufShort == "attn_q" || ggufShort == "attn_k" || ggufShort == "attn_v")) {
    ggufShort = "attn_qkv";
  }
  if (m_modelType == "phi3" && ggufShort == "ffn_gate") ggufShort = "ffn_up";
  if (m_modelType == "gemma2") {
    if (const std::string_view found = familyName(kGemma2Norms, ggufShort, dialect); !found.empty())
      return found;
  }
  // Falcon's larger models have two norms, with names of their own.
  if (ggufShort == "attn_norm" && m_stored.contains("blk.0.attn_norm_2.weight")) return "ln_mlp";
  return familyName(kLayerNames, ggufShort, dialect);
}

std::string FolderNames::nameOf(std::string_view ggufName) const {
  if (const auto found = m_stored.find(ggufName); found != m_stored.end()) return found->second;
  const auto parts = splitLayerName(ggufName);
  if (parts) {
    const std::string_view name = shortName(parts->name);
    return name.empty() ? std::string(ggufName)
                        : fmt::format("{}{}.{}.{}", layerPrefix(), parts->layer, name, parts->kind);
  }
  std::string_view rest = ggufName;
  const std::string_view kind = cutKind(rest);
  const std::string_view name = familyName(kOtherNames, rest, dialectOf(m_modelType));
  if (name.empty()) return std::string(ggufName);
  const bool isOutside = name == "lm_head" || name == "embed_out";
  const std::string prefix = layerPrefix();
  return fmt::format("{}{}.{}", isOutside ? "" : prefix.substr(0, prefix.find('.') + 1), name, kind);
}

}  // namespace headroom::formats
