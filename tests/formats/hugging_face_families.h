#pragma once

#include <algorithm>

#include "core/model/config.h"
#include "tests/support/hugging_face_folder.h"

/// Every family of Hugging Face checkpoints as its files name and store things, with random weights.
namespace headroom::tests {

using nlohmann::json;

using Names = std::vector<std::pair<std::string, std::string>>;

enum class Joint { None, OneBehindTheOther, ByKvHead };

/// How a family's checkpoints name and store what GGUF files keep in separate matrices.
struct Family {
  const char* row;
  const char* config;  ///< beyond the sizes
  model::AttentionShape attention;
  const char* layerPrefix;
  Names layer;  ///< GGUF name, name in a layer; attn_q, attn_k and attn_v also where they are stored joined
  Names other;
  const char* biases;  ///< GGUF names that have one, each with a space behind it
  Joint joint = Joint::None;
  const char* jointName = "";
  bool isGpt2 = false;
  model::Storage storage = model::Storage::F32;
};

inline const Names kLlamaLayer = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"}};
inline const Names kLlamaOther = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
inline const Names kTiedOther = {{"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}};
inline const Names kGpt2Layer = {
    {"attn_norm", "ln_1"},          {"attn_q", ""},       {"attn_k", ""},         {"attn_v", ""},
    {"attn_output", "attn.c_proj"}, {"ffn_norm", "ln_2"}, {"ffn_up", "mlp.c_fc"}, {"ffn_down", "mlp.c_proj"}};
inline const Names kGpt2Other = {{"token_embd", "transformer.wte"},
                                 {"position_embd", "transformer.wpe"},
                                 {"output_norm", "transformer.ln_f"}};
inline constexpr const char* kAllGpt2Biases =
    "attn_norm attn_q attn_k attn_v attn_output ffn_norm ffn_up ffn_down output_norm ";

inline Names with(Names names, const Names& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

inline Names without(Names names, const std::string& ggufName) {
  std::erase_if(names, [&](const auto& name) { return name.first == ggufName; });
  return names;
}

inline const std::vector<Family>& families() {
  static const std::vector<Family> rows = {
      {"llama GQA, BF16",
       R"({"model_type":"llama"})",
       {4, 2, 8},
       "model.layers.",
       kLlamaLayer,
       kLlamaOther,
       "",
       Joint::None,
       "",
       false,
       model::Storage::BF16},
      {"llama with biases",
       R"({"model_type":"llama","attention_bias":true})",
       {4, 4, 8},
       "model.layers.",
       kLlamaLayer,
       kLlamaOther,
       "attn_q attn_k attn_v attn_output "},
      {"mistral MQA, F16",
       R"({"model_type":"mistral"})",
       {4, 1, 8},
       "model.layers.",
       kLlamaLayer,
       kLlamaOther,
       "",
       Joint::None,
       "",
       false,
       model::Storage::F16},
      {"qwen2",
       R"({"model_type":"qwen2","tie_word_embeddings":true})",
       {4, 2, 8},
       "model.layers.",
       kLlamaLayer,
       kTiedOther,
       "attn_q attn_k attn_v "},
      {"qwen3, heads wider than the model",
       R"({"model_type":"qwen3","head_dim":16})",
       {4, 2, 16},
       "model.layers.",
       with(kLlamaLayer, {{"attn_q_norm", "self_attn.q_norm"}, {"attn_k_norm", "self_attn.k_norm"}}),
       kLlamaOther,
       ""},
      {"gemma",
       R"({"model_type":"gemma","head_dim":16})",
       {4, 1, 16},
       "model.layers.",
       kLlamaLayer,
       kTiedOther,
       ""},
      {"gemma2, BF16",
       R"({"model_type":"gemma2","head_dim":16})",
       {4, 2, 16},
       "model.layers.",
       with(without(kLlamaLayer, "ffn_norm"), {{"post_attention_norm", "post_attention_layernorm"},
                                               {"ffn_norm", "pre_feedforward_layernorm"},
                                               {"post_ffw_norm", "post_feedforward_layernorm"}}),
       kTiedOther,
       "",
       Joint::None,
       "",
       false,
       model::Storage::BF16},
      {"gpt2, F16",
       R"({"model_type":"gpt2"})",
       {4, 4, 8},
       "transformer.h.",
       kGpt2Layer,
       kGpt2Other,
       kAllGpt2Biases,
       Joint::OneBehindTheOther,
       "attn.c_attn",
       true,
       model::Storage::F16},
      {"gpt_bigcode MQA",
       R"({"model_type":"gpt_bigcode","multi_query":true})",
       {4, 1, 8},
       "transformer.h.",
       kGpt2Layer,
       kGpt2Other,
       kAllGpt2Biases,
       Joint::OneBehindTheOther,
       "attn.c_attn",
       true},
      {"gpt_bigcode MHA",
       R"({"model_type":"gpt_bigcode","multi_query":false})",
       {4, 4, 8},
       "transformer.h.",
       kGpt2Layer,
       kGpt2Other,
       kAllGpt2Biases,
       Joint::ByKvHead,
       "attn.c_attn",
       true},
      {"starcoder2",
       R"({"model_type":"starcoder2"})",
       {4, 2, 8},
       "model.layers.",
       with(without(without(without(kLlamaLayer, "ffn_gate"), "ffn_up"), "ffn_down"),
            {{"ffn_up", "mlp.c_fc"}, {"ffn_down", "mlp.c_proj"}}),
       kTiedOther,
       kAllGpt2Biases},
      {"falcon 7B",
       R"({"model_type":"falcon","multi_query":true,"num_kv_heads":4})",
       {4, 1, 8},
       "transformer.h.",
       {{"attn_norm", "input_layernorm"},
        {"attn_q", ""},
        {"attn_k", ""},
        {"attn_v", ""},
        {"attn_output", "self_attention.dense"},
        {"ffn_up", "mlp.dense_h_to_4h"},
        {"ffn_down", "mlp.dense_4h_to_h"}},
       {{"token_embd", "transformer.word_embeddings"}, {"output_norm", "transformer.ln_f"}},
       "attn_norm output_norm ",
       Joint::OneBehindTheOther,
       "self_attention.query_key_value"},
      {"falcon 40B, BF16",
       R"({"model_type":"falcon","new_decoder_architecture":true,"num_kv_heads":2})",
       {8, 2, 4},
       "transformer.h.",
       {{"attn_norm_2", "ln_attn"},
        {"attn_norm", "ln_mlp"},
        {"attn_q", ""},
        {"attn_k", ""},
        {"attn_v", ""},
        {"attn_output", "self_attention.dense"},
        {"ffn_up", "mlp.dense_h_to_4h"},
        {"ffn_down", "mlp.dense_4h_to_h"}},
       {{"token_embd", "transformer.word_embeddings"}, {"output_norm", "transformer.ln_f"}},
       "attn_norm attn_norm_2 output_norm ",
       Joint::ByKvHead,
       "self_attention.query_key_value",
       false,
       model::Storage::BF16},
      {"phi",
       R"({"model_type":"phi"})",
       {4, 4, 8},
       "model.layers.",
       {{"attn_norm", "input_layernorm"},
        {"attn_q", "self_attn.q_proj"},
        {"attn_k", "self_attn.k_proj"},
        {"attn_v", "self_attn.v_proj"},
        {"attn_output", "self_attn.dense"},
        {"ffn_up", "mlp.fc1"},
        {"ffn_down", "mlp.fc2"}},
       {{"token_embd", "model.embed_tokens"},
        {"output_norm", "model.final_layernorm"},
        {"output", "lm_head"}},
       "attn_norm attn_q attn_k attn_v attn_output ffn_up ffn_down output_norm output "},
      {"phi3",
       R"({"model_type":"phi3"})",
       {4, 2, 8},
       "model.layers.",
       {{"attn_norm", "input_layernorm"},
        {"attn_q", ""},
        {"attn_k", ""},
        {"attn_v", ""},
        {"attn_output", "self_attn.o_proj"},
        {"ffn_norm", "post_attention_layernorm"},
        {"ffn_gate", ""},
        {"ffn_up", ""},
        {"ffn_down", "mlp.down_proj"}},
       kLlamaOther,
       "",
       Joint::OneBehindTheOther,
       "self_attn.qkv_proj"},
      {"stablelm",
       R"({"model_type":"stablelm","use_qkv_bias":true})",
       {4, 2, 8},
       "model.layers.",
       kLlamaLayer,
       kLlamaOther,
       "attn_norm attn_q attn_k attn_v ffn_norm output_norm "},
      {"gpt_neox",
       R"({"model_type":"gpt_neox"})",
       {4, 4, 8},
       "gpt_neox.layers.",
       {{"attn_norm", "input_layernorm"},
        {"attn_q", ""},
        {"attn_k", ""},
        {"attn_v", ""},
        {"attn_output", "attention.dense"},
        {"ffn_norm", "post_attention_layernorm"},
        {"ffn_up", "mlp.dense_h_to_4h"},
        {"ffn_down", "mlp.dense_4h_to_h"}},
       {{"token_embd", "gpt_neox.embed_in"},
        {"output_norm", "gpt_neox.final_layer_norm"},
        {"output", "embed_out"}},
       kAllGpt2Biases,
       Joint::ByKvHead,
       "attention.query_key_value"},
  };
  return rows;
}

inline constexpr int kLayers = 2;
inline constexpr int kModelDim = 32;
inline constexpr int kFfnDim = 48;
inline constexpr int kVocabulary = 20;
inline constexpr int kPositions = 24;

inline json configOf(const Family& family) {
  json config = json::parse(family.config);
  const bool isGpt2 = family.isGpt2;
  config[isGpt2 ? "n_embd" : "hidden_size"] = kModelDim;
  config[isGpt2 ? "n_layer" : "num_hidden_layers"] = kLayers;
  config[isGpt2 ? "n_head" : "num_attention_heads"] = family.attention.queryHeadCount;
  config[isGpt2 ? "n_positions" : "max_position_embeddings"] = kPositions;
  config[isGpt2                             ? "n_inner"
         : config["model_type"] == "falcon" ? "ffn_hidden_size"
                                            : "intermediate_size"] = kFfnDim;
  config["vocab_size"] = kVocabulary;
  const std::string type = config["model_type"];
  if (!isGpt2 && type != "falcon" && type != "gpt_neox") {
    config["num_key_value_heads"] = family.attention.kvHeadCount;
  }
  return config;
}

/// Rows and columns of a tensor by its GGUF name without layer.
inline std::pair<int, int> sizesOf(const std::string& name, const model::AttentionShape& attention) {
  if (name == "token_embd" || name == "output") return {kVocabulary, kModelDim};
  if (name == "position_embd") return {kPositions, kModelDim};
  if (name == "attn_q") return {attention.queryDim(), kModelDim};
  if (name == "attn_k" || name == "attn_v") return {attention.kvDim(), kModelDim};
  if (name == "attn_output") return {kModelDim, attention.queryDim()};
  if (name == "ffn_gate" || name == "ffn_up") return {kFfnDim, kModelDim};
  if (name == "ffn_down") return {kModelDim, kFfnDim};
  if (name == "attn_q_norm" || name == "attn_k_norm") return {1, attention.headDim};
  return {1, kModelDim};
}

/// A model with random weights, as the folder stores it and as it is meant: by GGUF name.
struct Sample {
  HuggingFaceFolder folder;
  std::map<std::string, Values> meant;
};

/// One of the two kinds, "weight" or "bias", of everything in a layer or outside of them.
inline void addTensors(const Family& family, const Names& names, const std::string& ggufPrefix,
                       const std::string& prefix, const std::string& kind, std::mt19937& random,
                       Sample& sample) {
  const bool isGemma = std::string(family.config).find("gemma") != std::string::npos;
  const bool isTransposed = std::string(family.config).find("gpt2") != std::string::npos;
  const auto stored = [&](const Values& values) {
    return isTransposed && !values.isVector() ? transposed(values) : values;
  };
  const auto meant = [&](const std::string& name) -> const Values& {
    return sample.meant.at(ggufPrefix + name + "." + kind);
  };
  for (const auto& [gguf, name] : names) {
    if (kind == "bias" && (" " + std::string(family.biases)).find(" " + gguf + " ") == std::string::npos)
      continue;
    auto [rows, columns] = sizesOf(gguf, family.attention);
    if (kind == "bias") columns = rows == 1 ? columns : rows, rows = 1;
    const Values values = randomValues(random, rows, columns);
    Values& target = sample.meant[ggufPrefix + gguf + "." + kind] = values;
    if (isGemma && gguf.ends_with("norm")) {
      for (float& value : target.data) value += 1.0f;
    }
    if (name.empty()) continue;
    const bool isEmbedding = gguf == "token_embd" || gguf == "position_embd";
    sample.folder.tensors[prefix + name + "." + kind] = isEmbedding ? values : stored(values);
  }
  if (family.joint != Joint::None && !ggufPrefix.empty() &&
      sample.meant.contains(ggufPrefix + "attn_q." + kind)) {
    sample.folder.tensors[prefix + family.jointName + "." + kind] =
        stored(joined(meant("attn_q"), meant("attn_k"), meant("attn_v"), family.attention.kvHeadCount,
                      family.attention.headDim, family.joint == Joint::ByKvHead));
  }
  if (std::string(family.row) == "phi3" && !ggufPrefix.empty() && kind == "weight") {
    Values both{2 * kFfnDim, kModelDim, meant("ffn_gate").data};
    both.data.insert(both.data.end(), meant("ffn_up").data.begin(), meant("ffn_up").data.end());
    sample.folder.tensors[prefix + "mlp.gate_up_proj.weight"] = both;
  }
}

inline Sample sampleOf(const Family& family) {
  std::mt19937 random(17);
  Sample sample{.folder = {.config = configOf(family), .storage = family.storage}};
  for (const char* kind : {"weight", "bias"}) {
    addTensors(family, family.other, "", "", kind, random, sample);
    for (int layer = 0; layer < kLayers; ++layer) {
      addTensors(family, family.layer, "blk." + std::to_string(layer) + ".",
                 family.layerPrefix + std::to_string(layer) + ".", kind, random, sample);
    }
  }
  return sample;
}

inline const Family& familyNamed(const char* row) {
  return *std::ranges::find_if(families(),
                               [&](const Family& family) { return std::string(family.row) == row; });
}

}  // namespace headroom::tests
