#include "core/formats/hugging_face/hugging_face_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/formats/hugging_face/hugging_face_rope.h"
#include "core/formats/json/json_object.h"
#include "core/formats/json/json_reader.h"
#include "core/formats/limits.h"
#include "core/model/error.h"
#include "core/text/utf8.h"

namespace headroom::formats {

namespace {
using model::Activation;
using model::Error;
using model::Windows;
using text::quotedName;

constexpr std::size_t kMostConfigBytes = 1 << 20;
constexpr std::int64_t kMostCount = 65536;  // of layers and heads

/// What a family calls its numbers, and what its configuration class takes where the file says nothing.
struct Family {
  std::string_view modelType;
  std::string_view epsilonKey = "rms_norm_eps";
  double epsilon = 1e-6;
  std::string_view activationKey = "hidden_act";
  std::string_view activation = "silu";
  bool tied = false;
  double rotatedPart = 1.0;
  std::string_view biasFlag = {};  ///< whether Q, K and V have biases
  bool isGpt2 = false;             ///< n_embd instead of hidden_size, and so on
};

constexpr Family kFamilies[] = {
    {.modelType = "llama", .biasFlag = "attention_bias"},
    {.modelType = "mistral"},
    {.modelType = "qwen2"},
    {.modelType = "qwen3", .biasFlag = "attention_bias"},
    {.modelType = "gemma",
     .activationKey = "hidden_activation",
     .activation = "gelu_pytorch_tanh",
     .tied = true,
     .biasFlag = "attention_bias"},
    {.modelType = "gemma2",
     .activationKey = "hidden_activation",
     .activation = "gelu_pytorch_tanh",
     .tied = true,
     .biasFlag = "attention_bias"},
    {.modelType = "gpt2",
     .epsilonKey = "layer_norm_epsilon",
     .epsilon = 1e-5,
     .activationKey = "activation_function",
     .activation = "gelu_new",
     .tied = true,
     .isGpt2 = true},
    {.modelType = "gpt_bigcode",
     .epsilonKey = "layer_norm_epsilon",
     .epsilon = 1e-5,
     .activationKey = "activation_function",
     .activation = "gelu_pytorch_tanh",
     .tied = true,
     .isGpt2 = true},
    {.modelType = "starcoder2",
     .epsilonKey = "norm_epsilon",
     .epsilon = 1e-5,
     .activation = "gelu_pytorch_tanh",
     .tied = true,
     .biasFlag = "use_bias"},
    {.modelType = "falcon",
     .epsilonKey = "layer_norm_epsilon",
     .epsilon = 1e-5,
     .activationKey = "activation",
     .activation = "gelu",
     .tied = true,
     .biasFlag = "bias"},
    {.modelType = "phi",
     .epsilonKey = "layer_norm_eps",
     .epsilon = 1e-5,
     .activation = "gelu_new",
     .rotatedPart = 0.5},
    {.modelType = "phi3", .epsilon = 1e-5},
    {.modelType = "stablelm",
     .epsilonKey = "layer_norm_eps",
     .epsilon = 1e-5,
     .rotatedPart = 0.25,
     .biasFlag = "use_qkv_bias"},
    {.modelType = "gpt_neox",
     .epsilonKey = "layer_norm_eps",
     .epsilon = 1e-5,
     .activation = "gelu",
     .rotatedPart = 0.25,
     .biasFlag = "attention_bias"},
};

/// Fills a HuggingFaceConfig member by member.
class ConfigReader {
 public:
  explicit ConfigReader(const JsonObject& json) : m_json(json), m_family(familyOf(json)) {
    m_result.modelType = m_family.modelType;
    refuseOtherKinds();
    readSizes();
    readNumbers();
    if (m_config.traits.positions == model::Positions::Rope) readRope();
    readWindows();
    readKvHeads();
    readBlock();
    m_result.tied = json.flag("tie_word_embeddings").value_or(m_family.tied);
  }

  HuggingFaceConfig take() { return std::move(m_result); }

 private:
  bool is(std::string_view modelType) const { return m_family.modelType == modelType; }
  bool flag(std::string_view key, bool fallback) const { return m_json.flag(key).value_or(fallback); }
  int count(std::string_view key, std::int64_t most) const {
    return static_cast<int>(m_json.requiredInteger(key, 1, most));
  }

  static const Family& familyOf(const JsonObject& json) {
    const auto type = json.text("model_type");
    if (!type) throw Error("model_type is missing");
    const auto found = std::ranges::find(kFamilies, *type, &Family::modelType);
    if (found != std::end(kFamilies)) return *found;
    const model::Architecture& nearest = model::nearestArchitecture(*type);
    throw Error(fmt::format("model_type {} is not supported; the nearest that is: {} ({}); all: {}",
                            quotedName(*type), nearest.name, nearest.models, model::architectureNames()));
  }

  void refuseFlag(std::string_view key, bool wanted, std::string_view because) const {
    if (flag(key, wanted) == wanted) return;
    throw Error(fmt::format("{} is {}, expected {}: {}", key, !wanted, wanted, because));
  }

  void refuseOtherKinds() const {
    if (const auto quantised = m_json.object("quantization_config")) {
      throw Error(
          fmt::format("the weights are quantised by {} (quantization_config), expected F32, F16 or BF16",
                      quotedName(quantised->text("quant_method").value_or("an unknown method"))));
    }
    for (const char* key : {"num_local_experts", "num_experts", "n_routed_experts"}) {
      const std::int64_t experts = m_json.integer(key, 0, kMost).value_or(0);
      if (experts > 1) throw Error(fmt::format("{} is {}, expected a dense model", key, experts));
    }
    refuseFlag("is_encoder_decoder", false, "only decoders are computed");
    refuseFlag("add_cross_attention", false, "only decoders are computed");
    refuseFlag("alibi", false, "positions by ALiBi are not computed, rotary and learned ones are");
    refuseFlag("qk_layernorm", false,
               "LayerNorms of queries and keys are not computed, Qwen 3's RMSNorms are");
    refuseFlag("scale_attn_by_inverse_layer_idx", false, "all layers scale their scores alike");
    refuseFlag("apply_residual_connection_post_layernorm", false, "the stream is added to before the norm");
    refuseFlag("use_bidirectional_attention", false, "attention sees earlier positions only");
  }

  void readSizes() {
    const model::Architecture& architecture = *model::findHuggingFace(m_family.modelType);
    m_config.architecture = architecture.name;
    m_config.traits = architecture.traits;
    m_config.traits.ropePairing = model::RopePairing::Halves;
    const bool isGpt2 = m_family.isGpt2;
    m_claims.headCountSource = isGpt2 ? "n_head" : "num_attention_heads";
    m_claims.headDimSource = "head_dim";
    m_claims.vocabSizeSource = "vocab_size";
    m_config.modelDim = count(isGpt2 ? "n_embd" : "hidden_size", kMost);
    m_config.layerCount = count(isGpt2 ? "n_layer" : "num_hidden_layers", kMostCount);
    m_config.attention.queryHeadCount = count(m_claims.headCountSource, kMostCount);
    m_claims.headDim = static_cast<int>(m_json.integer("head_dim", 1, kMostCount).value_or(0));
    m_claims.vocabSize = static_cast<int>(m_json.integer("vocab_size", 1, kMost).value_or(0));
    const char* ffn = isGpt2 ? "n_inner" : is("falcon") ? "ffn_hidden_size" : "intermediate_size";
    m_config.ffnDim = static_cast<int>(m_json.integer(ffn, 1, kMost).value_or(0));
    const char* context = isGpt2 ? "n_positions" : "max_position_embeddings";
    // Falcon's files leave out what their class takes as given.
    const bool isKnown = is("falcon") && !m_json.has(context);
    m_config.contextLength = isKnown ? 2048 : count(context, kMostPositions);
  }

  void readNumbers() {
    m_config.normEpsilon =
        static_cast<float>(m_json.positive(m_family.epsilonKey).value_or(m_family.epsilon));
    m_config.traits.activation = readActivation();
    if (!flag("scale_attn_weights", true)) m_config.attentionScale = 1.0f;
    if (!is("gemma2")) return;
    const double scaled = m_json.positive("query_pre_attn_scalar").value_or(256.0);
    m_config.attentionScale = static_cast<float>(1.0 / std::sqrt(scaled));
    m_config.attentionSoftCap = readCap("attn_logit_softcapping", 50.0);
    m_config.logitSoftCap = readCap("final_logit_softcapping", 30.0);
  }

  /// null means no cap, nothing the usual one.
  float readCap(std::string_view key, double usual) const {
    if (m_json.isNull(key)) return 0.0f;
    return static_cast<float>(m_json.positive(key).value_or(usual));
  }

  Activation readActivation() const {
    const std::string name = m_json.text(m_family.activationKey).value_or(std::string(m_family.activation));
    if (name == "silu" || name == "swish") return Activation::Silu;
    if (name == "gelu") return Activation::GeluErf;
    if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") return Activation::GeluTanh;
    throw Error(fmt::format("{} is {}, expected silu, gelu, gelu_new, gelu_pytorch_tanh or gelu_fast",
                            m_family.activationKey, quotedName(name)));
  }

  void readRope() {
    const HuggingFaceRope rope = readHuggingFaceRope(m_json, m_config.contextLength, m_family.rotatedPart);
    m_config.ropeBase = static_cast<float>(rope.base);
    m_config.ropeScaling = rope.scaling;
    if (rope.rotatedPart == 1.0) return;
    const int headDim =
        m_claims.headDim > 0 ? m_claims.headDim : m_config.modelDim / m_config.attention.queryHeadCount;
    m_config.ropeDim = static_cast<int>(headDim * rope.rotatedPart);
    if (m_config.ropeDim < 2) {
      throw Error(fmt::format("{} of a head of {} elements is rotated, expected at least two elements",
                              rope.rotatedPart, headDim));
    }
  }

  void readWindows() {
    Windows& windows = m_config.traits.windows;
    const bool mayBeOff = is("qwen2") || is("qwen3");
    const int window =
        static_cast<int>(m_json.integer("sliding_window", 0, kMost).value_or(is("gemma2") ? 4096 : 0));
    const bool isOn = window > 0 && window < m_config.contextLength &&
                      flag("use_sliding_window", !mayBeOff) &&
                      (mayBeOff || is("mistral") || windows != Windows::None);
    if (!isOn) {
      windows = Windows::None;
      return;
    }
    if (const auto types = m_json.texts("layer_types")) {
      windows = windowsOf(*types);
    } else if (mayBeOff) {
      const auto first = m_json.integer("max_window_layers", 0, kMost).value_or(m_config.layerCount);
      if (first > 0 && first < m_config.layerCount) {
        throw Error(
            fmt::format("use_sliding_window is true and max_window_layers {} of {} layers, expected "
                        "windows in all layers or in none",
                        first, m_config.layerCount));
      }
      windows = first == 0 ? Windows::EveryLayer : Windows::None;
    } else if (windows == Windows::None) {
      windows = Windows::EveryLayer;
    }
    if (windows != Windows::None) m_config.slidingWindow = window;
  }

  Windows windowsOf(const std::vector<std::string>& types) const {
    if (types.size() != static_cast<std::size_t>(m_config.layerCount)) {
      throw Error(fmt::format("layer_types has {} entries for {} layers", types.size(), m_config.layerCount));
    }
    const auto all = [&](auto slides) {
      for (std::size_t layer = 0; layer < types.size(); ++layer) {
        if (types[layer] != (slides(layer) ? "sliding_attention" : "full_attention")) return false;
      }
      return true;
    };
    if (all([](std::size_t) { return false; })) return Windows::None;
    if (all([](std::size_t) { return true; })) return Windows::EveryLayer;
    if (all([](std::size_t layer) { return layer % 2 == 0; })) return Windows::EvenLayers;
    throw Error("layer_types mixes layers otherwise than none, all or every second with sliding_attention");
  }

  void readKvHeads() {
    const int queryHeads = m_config.attention.queryHeadCount;
    const auto claim = [&](std::string source, int heads) {
      m_claims.kvHeads.push_back({std::move(source), heads});
    };
    const auto stated = [&](const char* key) {
      const auto heads = m_json.integer(key, 1, kMostCount);
      if (heads) claim(fmt::format("{}: {}", key, *heads), static_cast<int>(*heads));
      return heads.has_value();
    };
    if (is("gpt2") || is("gpt_neox")) {
      claim(fmt::format("model_type: {}", m_family.modelType), queryHeads);
    } else if (is("gpt_bigcode")) {
      const bool isShared = flag("multi_query", true);
      claim(fmt::format("multi_query: {}", isShared), isShared ? 1 : queryHeads);
    } else if (is("falcon")) {
      const bool isStated = stated("num_kv_heads");
      if (flag("new_decoder_architecture", false)) {
        // The 40B files say multi_query: true as well, which their class then ignores.
        if (!isStated) claim("the lack of num_kv_heads", queryHeads);
        return;
      }
      const bool isShared = flag("multi_query", true);
      claim(fmt::format("multi_query: {}", isShared), isShared ? 1 : queryHeads);
    } else if (!stated("num_key_value_heads")) {
      claim("the lack of num_key_value_heads", queryHeads);
    }
  }

  void readBlock() {
    if (is("falcon") && !flag("new_decoder_architecture", false)) {
      refuseFlag("parallel_attn", true, "Falcon's attention and FFN are computed side by side");
    }
    if (is("gpt_neox") && !flag("use_parallel_residual", true)) {
      m_config.traits.block = model::Block::Sequential;
    }
    if (is("stablelm") && flag("use_parallel_residual", false)) {
      m_config.traits.block = model::Block::Parallel;
      m_config.traits.ownFfnNorm = false;
    }
    const auto bias = m_family.biasFlag.empty() ? std::nullopt : m_json.flag(m_family.biasFlag);
    if (!bias) return;
    const bool isJoint = is("falcon") || is("gpt_neox");
    m_result.biases.push_back({fmt::format("{}: {}", m_family.biasFlag, *bias), *bias,
                               isJoint ? "blk.0.attn_qkv.bias" : "blk.0.attn_q.bias"});
  }

  const JsonObject& m_json;
  const Family& m_family;
  HuggingFaceConfig m_result;
  ModelClaims& m_claims = m_result.claims;
  model::ModelConfig& m_config = m_result.claims.config;
};
}  // namespace

HuggingFaceConfig readHuggingFaceConfig(std::string_view text) {
  const nlohmann::json parsed = parseJsonObject(text, kMostConfigBytes);
  return ConfigReader(JsonObject(parsed)).take();
}

std::string describeGenerationConfig(std::string_view text) {
  const nlohmann::json parsed = parseJsonObject(text, kMostConfigBytes);
  const JsonObject json(parsed);
  const auto samples = json.flag("do_sample");
  if (!samples) return {};
  if (!*samples) return "generation_config.json suggests to take the likeliest token.";
  std::vector<std::string> parts;
  if (const auto value = json.positive("temperature")) parts.push_back(fmt::format("temperature {}", *value));
  if (const auto value = json.integer("top_k", 0, kMost)) parts.push_back(fmt::format("top-k {}", *value));
  if (const auto value = json.positive("top_p")) parts.push_back(fmt::format("top-p {}", *value));
  if (parts.empty()) return {};
  return fmt::format("generation_config.json suggests to sample with {}.", fmt::join(parts, ", "));
}

}  // namespace headroom::formats
