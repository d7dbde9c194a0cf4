#include <QTest>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/formats/hugging_face/hugging_face_config.h"
#include "core/formats/hugging_face/hugging_face_tensors.h"
#include "core/model/error.h"

using namespace headroom;
using formats::HuggingFaceConfig;
using model::Activation;
using model::RopeScalingKind;
using model::Windows;
using nlohmann::json;

namespace {
/// A config.json of that family with 4 layers of 8 heads, a model of 64 and 512 positions.
json baseOf(const std::string& modelType) {
  if (modelType == "gpt2" || modelType == "gpt_bigcode") {
    return {{"model_type", modelType}, {"n_embd", 64}, {"n_layer", 4}, {"n_head", 8}, {"n_positions", 512}};
  }
  return {{"model_type", modelType},  {"hidden_size", 64},       {"num_hidden_layers", 4},
          {"num_attention_heads", 8}, {"intermediate_size", 96}, {"max_position_embeddings", 512}};
}

HuggingFaceConfig read(const std::string& modelType, const json& changes) {
  json config = baseOf(modelType);
  config.merge_patch(changes);
  return formats::readHuggingFaceConfig(config.dump());
}

bool isClose(double actual, double expected) {
  return std::abs(actual - expected) <= 1e-6 * std::abs(expected);
}

/// A file, and what must be read from it.
struct Fact {
  const char* name;
  const char* modelType;
  const char* changes;
  std::function<bool(const HuggingFaceConfig&)> holds;
};

const model::ModelConfig& in(const HuggingFaceConfig& config) {
  return config.claims.config;
}

const std::vector<Fact>& facts() {
  static const std::vector<Fact> rows = {
      {"mistral is a llama", "mistral", "{}", [](const auto& c) { return in(c).architecture == "llama"; }},
      {"halves are rotated", "llama", "{}",
       [](const auto& c) { return in(c).traits.ropePairing == model::RopePairing::Halves; }},
      {"epsilon", "llama", R"({"rms_norm_eps":3e-6})",
       [](const auto& c) { return in(c).normEpsilon == 3e-6f; }},
      {"epsilon of LayerNorm", "phi", R"({"layer_norm_eps":4e-6})",
       [](const auto& c) { return in(c).normEpsilon == 4e-6f; }},
      {"theta as an integer", "llama", R"({"rope_theta":500000})",
       [](const auto& c) { return in(c).ropeBase == 500000.0f; }},
      {"theta in rope_parameters", "llama",
       R"({"rope_parameters":{"rope_theta":250000.0,"rope_type":"default"}})",
       [](const auto& c) {
         return in(c).ropeBase == 250000.0f && in(c).ropeScaling.kind == RopeScalingKind::None;
       }},
      {"head size", "llama", R"({"head_dim":32})", [](const auto& c) { return c.claims.headDim == 32; }},
      {"null head size", "llama", R"({"head_dim":null,"rope_scaling":null,"sliding_window":null})",
       [](const auto& c) { return c.claims.headDim == 0; }},
      {"KV heads", "llama", R"({"num_key_value_heads":2})",
       [](const auto& c) {
         return c.claims.kvHeads.size() == 1 && c.claims.kvHeads[0].kvHeadCount == 2 &&
                c.claims.kvHeads[0].source == "num_key_value_heads: 2";
       }},
      {"no KV heads said", "llama", "{}", [](const auto& c) { return c.claims.kvHeads[0].kvHeadCount == 8; }},
      {"multi_query", "gpt_bigcode", R"({"multi_query":true})",
       [](const auto& c) { return c.claims.kvHeads[0].kvHeadCount == 1; }},
      {"not multi_query", "gpt_bigcode", R"({"multi_query":false})",
       [](const auto& c) { return c.claims.kvHeads[0].kvHeadCount == 8; }},
      {"Falcon 7B says two things", "falcon", R"({"num_kv_heads":8,"multi_query":true})",
       [](const auto& c) {
         return c.claims.kvHeads.size() == 2 && c.claims.kvHeads[0].kvHeadCount == 8 &&
                c.claims.kvHeads[1].source == "multi_query: true" && c.claims.kvHeads[1].kvHeadCount == 1;
       }},
      {"Falcon 40B ignores multi_query", "falcon",
       R"({"num_kv_heads":2,"multi_query":true,"new_decoder_architecture":true})",
       [](const auto& c) { return c.claims.kvHeads.size() == 1 && c.claims.kvHeads[0].kvHeadCount == 2; }},
      {"Falcon's context", "falcon", R"({"max_position_embeddings":null})",
       [](const auto& c) { return in(c).contextLength == 2048; }},
      {"Falcon's GELU is exact", "falcon", "{}",
       [](const auto& c) { return in(c).traits.activation == Activation::GeluErf; }},
      {"Gemma's is not, whatever hidden_act says", "gemma", R"({"hidden_act":"gelu"})",
       [](const auto& c) { return in(c).traits.activation == Activation::GeluTanh && c.tied; }},
      {"gelu_new", "gpt2", R"({"activation_function":"gelu_new"})",
       [](const auto& c) { return in(c).traits.activation == Activation::GeluTanh && c.tied; }},
      {"silu", "stablelm", R"({"hidden_act":"silu"})",
       [](const auto& c) { return in(c).traits.activation == Activation::Silu && !c.tied; }},
      {"tied", "llama", R"({"tie_word_embeddings":true})", [](const auto& c) { return c.tied; }},
      {"unscaled scores", "gpt2", R"({"scale_attn_weights":false})",
       [](const auto& c) { return in(c).attentionScale == 1.0f; }},
      {"gemma2's scale and caps", "gemma2",
       R"({"query_pre_attn_scalar":144,"attn_logit_softcapping":50.0,"final_logit_softcapping":null})",
       // A merge patch removes what is null, so that the usual cap of 30 remains.
       [](const auto& c) {
         return isClose(static_cast<double>(in(c).attentionScale), 1.0 / 12.0) &&
                in(c).attentionSoftCap == 50.0f && in(c).logitSoftCap == 30.0f;
       }},
      {"gemma2's windows", "gemma2", R"({"sliding_window":128})",
       [](const auto& c) {
         return in(c).windowOf(0) == 128 && in(c).windowOf(1) == 0 && in(c).windowOf(2) == 128;
       }},
      {"mistral's windows", "mistral", R"({"sliding_window":100})",
       [](const auto& c) { return in(c).windowOf(0) == 100 && in(c).windowOf(3) == 100; }},
      {"a window as long as the context", "mistral", R"({"sliding_window":512})",
       [](const auto& c) { return in(c).windowOf(0) == 0; }},
      {"qwen2's windows are off", "qwen2",
       R"({"sliding_window":100,"use_sliding_window":false,"max_window_layers":2})",
       [](const auto& c) { return in(c).windowOf(3) == 0; }},
      {"qwen2's windows begin behind the last layer", "qwen2",
       R"({"sliding_window":100,"use_sliding_window":true,"max_window_layers":4})",
       [](const auto& c) { return in(c).windowOf(3) == 0; }},
      {"qwen2's windows everywhere", "qwen2",
       R"({"sliding_window":100,"use_sliding_window":true,"max_window_layers":0})",
       [](const auto& c) { return in(c).windowOf(0) == 100; }},
      {"layer_types", "gemma2",
       R"({"sliding_window":128,"layer_types":["full_attention","full_attention","full_attention","full_attention"]})",
       [](const auto& c) { return in(c).traits.windows == Windows::None; }},
      {"part of a head is rotated", "phi", R"({"partial_rotary_factor":0.5})",
       [](const auto& c) { return in(c).ropeDim == 4; }},
      {"usual part", "stablelm", "{}", [](const auto& c) { return in(c).ropeDim == 2; }},
      {"GPT-NeoX's names", "gpt_neox", R"({"rotary_pct":0.5,"rotary_emb_base":20000})",
       [](const auto& c) { return in(c).ropeDim == 4 && in(c).ropeBase == 20000.0f; }},
      {"sequential GPT-NeoX", "gpt_neox", R"({"use_parallel_residual":false})",
       [](const auto& c) { return in(c).traits.block == model::Block::Sequential; }},
      {"parallel StableLM", "stablelm", R"({"use_parallel_residual":true})",
       [](const auto& c) {
         return in(c).traits.block == model::Block::Parallel && !in(c).traits.ownFfnNorm;
       }},
      {"linear", "llama", R"({"rope_scaling":{"type":"linear","factor":4.0}})",
       [](const auto& c) {
         return in(c).ropeScaling.kind == RopeScalingKind::Linear && in(c).ropeScaling.factor == 4.0;
       }},
      {"llama3", "llama",
       R"({"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
           "original_max_position_embeddings":128}})",
       [](const auto& c) {
         const model::RopeScaling& s = in(c).ropeScaling;
         return s.kind == RopeScalingKind::Llama3 && s.factor == 8.0 && s.originalContext == 128 &&
                s.lowFrequencyFactor == 1.0 && s.highFrequencyFactor == 4.0;
       }},
      {"yarn", "qwen2",
       R"({"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":128,"beta_fast":16}})",
       [](const auto& c) {
         const model::RopeScaling& s = in(c).ropeScaling;
         return s.kind == RopeScalingKind::Yarn && s.originalContext == 128 && s.betaFast == 16.0 &&
                s.betaSlow == 1.0 && s.magnitude == 0.0;
       }},
      {"yarn with magnitudes", "llama",
       R"({"rope_scaling":{"type":"yarn","factor":2.718281828459045,"mscale":2.0,"mscale_all_dim":1.0}})",
       [](const auto& c) { return isClose(in(c).ropeScaling.magnitude, 1.2 / 1.1); }},
      // sqrt(1 + ln(512 / 128) / ln(128)) = sqrt(1 + 2 / 7)
      {"longrope", "phi3",
       R"({"original_max_position_embeddings":128,
           "rope_scaling":{"type":"longrope","short_factor":[1,1,1,1],"long_factor":[2,2,2,2]}})",
       [](const auto& c) {
         const model::RopeScaling& s = in(c).ropeScaling;
         return s.kind == RopeScalingKind::Factors && s.originalContext == 128 && s.factor == 1.0 &&
                s.factors.size() == 4 && s.longFactors[3] == 2.0f &&
                isClose(s.magnitude, std::sqrt(9.0 / 7.0));
       }},
      {"longrope of an early Phi 3", "phi3",
       R"({"original_max_position_embeddings":512,"rope_scaling":{"type":"su","short_factor":[1],"long_factor":[2]}})",
       [](const auto& c) { return in(c).ropeScaling.magnitude == 1.0; }},
  };
  return rows;
}

}  // namespace

class TstHuggingFaceConfig : public QObject {
  Q_OBJECT

 private slots:
  void everyArchitectureHasAFamily() {
    for (const model::Architecture& row : model::architectures()) {
      std::string names(row.huggingFace);
      for (std::size_t at = 0; at < names.size();) {
        const std::size_t comma = std::min(names.find(',', at), names.size());
        const std::string type = names.substr(at, comma - at);
        QCOMPARE(in(read(type, json::object())).architecture, std::string(row.name));
        at = comma + 1;
      }
    }
  }

  void factsAreRead_data() {
    QTest::addColumn<int>("index");
    for (std::size_t i = 0; i < facts().size(); ++i) QTest::newRow(facts()[i].name) << static_cast<int>(i);
  }
  void factsAreRead() {
    QFETCH(int, index);
    const Fact& fact = facts()[static_cast<std::size_t>(index)];
    QVERIFY(fact.holds(read(fact.modelType, json::parse(fact.changes))));
  }

  void aNullCapIsNone() {
    json config = baseOf("gemma2");
    config["attn_logit_softcapping"] = nullptr;
    QCOMPARE(in(formats::readHuggingFaceConfig(config.dump())).attentionSoftCap, 0.0f);
  }

  void refusals_data() {
    QTest::addColumn<QString>("modelType");
    QTest::addColumn<QString>("changes");
    QTest::addColumn<QString>("fragment");
    const auto row = [](const char* name, const char* type, const char* changes, const char* fragment) {
      QTest::newRow(name) << type << changes << fragment;
    };
    row("unknown family", "lama", "{}", "model_type \"lama\" is not supported; the nearest that is: llama");
    row("family is a number", "llama", R"({"model_type":3})", "model_type is 3, expected text");
    row("no family", "llama", R"({"model_type":null})", "model_type is missing");
    row("size is missing", "llama", R"({"hidden_size":null})", "hidden_size is missing");
    row("size is text", "llama", R"({"hidden_size":"64"})",
        "hidden_size is \"64\", expected an integer from 1");
    row("size is a float", "llama", R"({"hidden_size":64.5})", "hidden_size is 64.5, expected an integer");
    row("size is a whole float", "llama", R"({"hidden_size":64.0})",
        "hidden_size is 64.0, expected an integer");
    row("size is negative", "llama", R"({"num_hidden_layers":-1})", "num_hidden_layers is -1, expected");
    row("size is zero", "llama", R"({"num_attention_heads":0})", "num_attention_heads is 0, expected");
    row("size is huge", "llama", R"({"num_hidden_layers":18446744073709551615})",
        "num_hidden_layers is 18446744073709551615, expected an integer from 1 to 65536");
    row("size is an object", "llama", R"({"vocab_size":{"a":1}})",
        "vocab_size is an object, expected an integer");
    row("size is a list", "llama", R"({"intermediate_size":[1,2]})",
        "intermediate_size is an array, expected");
    row("context is huge", "llama", R"({"max_position_embeddings":1e30})",
        "max_position_embeddings is 1e+30");
    row("epsilon is text", "llama", R"({"rms_norm_eps":"small"})",
        "rms_norm_eps is \"small\", expected a positive");
    row("epsilon is zero", "llama", R"({"rms_norm_eps":0})", "rms_norm_eps is 0, expected a positive number");
    row("epsilon is negative", "llama", R"({"rms_norm_eps":-1e-5})", "expected a positive number");
    row("theta overflows a float32", "llama", R"({"rope_theta":1e300})", "rope_theta is 1e+300, expected");
    row("flag is a number", "llama", R"({"tie_word_embeddings":1})",
        "tie_word_embeddings is 1, expected true");
    row("unknown activation", "llama", R"({"hidden_act":"relu"})", "hidden_act is \"relu\", expected silu");
    row("quantised", "llama", R"({"quantization_config":{"quant_method":"gptq"}})", "quantised by \"gptq\"");
    row("experts", "llama", R"({"num_local_experts":8})", "num_local_experts is 8, expected a dense model");
    row("ALiBi", "falcon", R"({"alibi":true})", "alibi is true, expected false: positions by ALiBi");
    row("sequential Falcon", "falcon", R"({"parallel_attn":false})", "parallel_attn is false, expected true");
    row("norms of heads", "phi", R"({"qk_layernorm":true})", "qk_layernorm is true, expected false");
    row("scores scaled by layer", "gpt2", R"({"scale_attn_by_inverse_layer_idx":true})",
        "scale_attn_by_inverse_layer_idx is true");
    row("an encoder", "gpt2", R"({"is_encoder_decoder":true})", "only decoders are computed");
    row("windows in some layers", "qwen2",
        R"({"sliding_window":100,"use_sliding_window":true,"max_window_layers":2})",
        "max_window_layers 2 of 4 layers");
    row("layer types in another order", "gemma2",
        R"({"sliding_window":99,"layer_types":["full_attention","sliding_attention","full_attention","x"]})",
        "layer_types mixes layers");
    row("too few layer types", "gemma2", R"({"sliding_window":99,"layer_types":["full_attention"]})",
        "layer_types has 1 entries for 4 layers");
    row("dynamic scaling", "llama", R"({"rope_scaling":{"type":"dynamic","factor":2.0}})",
        "is dynamic, which turns");
    row("unknown scaling", "llama", R"({"rope_scaling":{"type":"mrope"}})", "rope_scaling.type is \"mrope\"");
    row("scaling is text", "llama", R"({"rope_scaling":"linear"})",
        "rope_scaling is \"linear\", expected an object");
    row("scaling without a factor", "llama", R"({"rope_scaling":{"type":"linear"}})",
        "rope_scaling.factor is missing");
    row("llama3 without a context", "llama",
        R"({"rope_scaling":{"type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4}})",
        "rope_scaling.original_max_position_embeddings is missing");
    row("llama3 in reverse", "llama",
        R"({"rope_scaling":{"type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,
            "original_max_position_embeddings":64}})",
        "expected the first to be larger");
    row("longrope without factors", "phi3", R"({"rope_scaling":{"type":"longrope","short_factor":[1]}})",
        "rope_scaling.long_factor is missing");
    row("longrope with factors of text", "phi3",
        R"({"rope_scaling":{"type":"longrope","short_factor":["a"],"long_factor":[1]}})",
        "short_factor is an array, expected a list of numbers");
    row("nothing is rotated", "phi", R"({"partial_rotary_factor":0.1})", "expected at least two elements");
    row("more than all is rotated", "phi", R"({"partial_rotary_factor":1.5})", "expected at most 1");
  }
  void refusals() {
    QFETCH(QString, modelType);
    QFETCH(QString, changes);
    QFETCH(QString, fragment);
    try {
      read(modelType.toStdString(), json::parse(changes.toStdString()));
      QFAIL("was read");
    } catch (const model::Error& error) {
      const QString sentence = error.what();
      QVERIFY2(sentence.contains(fragment), error.what());
      QVERIFY(!sentence.contains('\n'));
    }
  }

  void brokenTexts_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QString>("fragment");
    QTest::newRow("empty") << QByteArray("") << "it is not JSON at byte 1";
    QTest::newRow("cut") << QByteArray("{\"model_type\":\"ll") << "it is not JSON at byte";
    QTest::newRow("a list") << QByteArray("[]") << "it is an array, expected an object";
    QTest::newRow("broken UTF-8") << QByteArray("{\"\xFF\":1}") << "it is not JSON at byte";
    QTest::newRow("a huge number") << QByteArray("{\"a\":1e999}") << "a number that no float64 holds";
    QTest::newRow("deep") << QByteArray("{\"a\":") + QByteArray(200000, '[')
                          << "it nests 200001 levels deep, expected at most 64";
    QTest::newRow("long") << QByteArray(2 << 20, ' ') << "has 2097152 bytes, expected at most 1048576";
  }
  void brokenTexts() {
    QFETCH(QByteArray, text);
    QFETCH(QString, fragment);
    try {
      formats::readHuggingFaceConfig(text.toStdString());
      QFAIL("was read");
    } catch (const model::Error& error) {
      QVERIFY2(QString(error.what()).contains(fragment), error.what());
    }
  }

  void tensorNames_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("modelType");
    QTest::addColumn<QString>("gguf");
    const auto row = [](const char* name, const char* type, const char* gguf) {
      QTest::newRow(QByteArray(name) + " of " + type) << name << type << gguf;
    };
    row("model.layers.31.self_attn.q_proj.weight", "llama", "blk.31.attn_q.weight");
    row("model.layers.0.post_attention_layernorm.weight", "llama", "blk.0.ffn_norm.weight");
    row("model.layers.0.post_attention_layernorm.weight", "gemma2", "blk.0.post_attention_norm.weight");
    row("h.0.attn.c_attn.bias", "gpt2", "blk.0.attn_qkv.bias");
    row("h.0.attn.bias", "gpt2", "");
    row("transformer.h.3.attn.masked_bias", "gpt2", "");
    row("gpt_neox.layers.5.attention.bias", "gpt_neox", "");
    row("gpt_neox.layers.5.attention.rotary_emb.inv_freq", "gpt_neox", "");
    row("gpt_neox.layers.5.attention.dense.bias", "gpt_neox", "blk.5.attn_output.bias");
    row("transformer.h.59.ln_attn.bias", "falcon", "blk.59.attn_norm_2.bias");
    row("lm_head.bias", "phi", "output.bias");
    row("model.layers..self_attn.q_proj.weight", "llama", "refused");
    row("model.layers.1self_attn.q_proj.weight", "llama", "refused");
    row("model.layers.1.self_attn.q_proj", "llama", "refused");
    row("model.layers.1.self_attn.q_proj.scale", "llama", "refused");
    row("model.layers.1.", "llama", "refused");
    row("weight", "llama", "refused");
    row("", "llama", "refused");
  }
  void tensorNames() {
    QFETCH(QString, name);
    QFETCH(QString, modelType);
    QFETCH(QString, gguf);
    const auto found = formats::ggufNameOf(name.toStdString(), modelType.toStdString());
    QCOMPARE(QString::fromStdString(found.value_or("refused")), gguf);
  }
};

QTEST_GUILESS_MAIN(TstHuggingFaceConfig)
#include "tst_hugging_face_config.moc"
