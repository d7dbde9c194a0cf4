#include <QTest>
#include <cstring>

#include "core/formats/gguf/gguf_file.h"
#include "core/formats/load_model.h"
#include "core/formats/npy.h"
#include "core/reference/reference_decoder.h"
#include "tests/formats/hugging_face_families.h"
#include "tests/support/fixtures.h"

using namespace headroom;
using namespace tests;

// GGUF checkpoints with llama.cpp's answers, laid out as Hugging Face folders, must give the same answers.
namespace {

Values valuesOf(const formats::GgufTensor& tensor) {
  Values values{tensor.sizes.size() > 1 ? static_cast<std::int64_t>(tensor.sizes[1]) : 1,
                static_cast<std::int64_t>(tensor.sizes[0]),
                {}};
  values.data.resize(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

/// Rows 2i and 2i + 1 of a head of a GGUF llama are rows i and i + headDim / 2 in a Hugging Face folder.
Values withHalves(const Values& source, int headDim) {
  Values result = source;
  const auto columns = static_cast<std::size_t>(source.columns);
  for (std::size_t row = 0; row < static_cast<std::size_t>(source.rows); ++row) {
    const std::size_t head = row / static_cast<std::size_t>(headDim);
    const std::size_t element = row % static_cast<std::size_t>(headDim);
    const std::size_t target = head * static_cast<std::size_t>(headDim) + element / 2 +
                               element % 2 * static_cast<std::size_t>(headDim) / 2;
    std::copy_n(source.data.begin() + static_cast<std::ptrdiff_t>(row * columns), columns,
                result.data.begin() + static_cast<std::ptrdiff_t>(target * columns));
  }
  return result;
}

/// Name and layout of one tensor in the folder.
class Converter {
 public:
  Converter(const formats::GgufFile& file, const Family& family, int headDim)
      : m_file(file),
        m_family(family),
        m_architecture(*file.text("general.architecture")),
        m_headDim(headDim) {}

  HuggingFaceFolder convert() const {
    HuggingFaceFolder folder;
    for (const formats::GgufTensor& tensor : m_file.tensors()) {
      folder.tensors[folderName(std::string(tensor.name))] = folderValues(tensor);
    }
    return folder;
  }

 private:
  std::string folderName(std::string name) const {
    const std::string kind = name.substr(name.rfind('.'));
    name.resize(name.rfind('.'));
    if (name == "output") return "lm_head" + kind;
    std::string prefix;
    if (name.starts_with("blk.")) {
      const std::size_t dot = name.find('.', 4);
      prefix = m_family.layerPrefix + name.substr(4, dot - 3);
      name = name.substr(dot + 1);
      if (name == "attn_qkv") return prefix + m_family.jointName + kind;
    }
    const Names& names = prefix.empty() ? m_family.other : m_family.layer;
    const auto found = std::ranges::find(names, name, &Names::value_type::first);
    return prefix + found->second + kind;
  }

  Values folderValues(const formats::GgufTensor& tensor) const {
    Values values = valuesOf(tensor);
    const std::string name(tensor.name);
    if (m_architecture == "llama" && (name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight"))) {
      return withHalves(values, m_headDim);
    }
    if (m_architecture == "gpt2" && name.starts_with("blk.") && !values.isVector()) return transposed(values);
    if (m_architecture == "gemma" && name.ends_with("norm.weight")) {
      for (float& value : values.data) value -= 1.0f;
    }
    return values;
  }

  const formats::GgufFile& m_file;
  const Family& m_family;
  std::string m_architecture;
  int m_headDim;
};

}  // namespace

class TstHuggingFaceLogits : public QObject {
  Q_OBJECT

 private slots:
  void agreesWithLlamaCpp_data() {
    QTest::addColumn<QString>("fixture");
    QTest::addColumn<QString>("family");
    QTest::addColumn<int>("headDim");
    QTest::newRow("llama MHA") << "llama-mha-8x8-f32"
                               << "llama with biases" << 8;
    QTest::newRow("llama GQA") << "llama-gqa2-8x8-f32"
                               << "llama with biases" << 8;
    QTest::newRow("llama MQA") << "llama-mqa-8x8-f32"
                               << "llama with biases" << 8;
    QTest::newRow("qwen2 GQA") << "qwen2-gqa2-4x16-f32"
                               << "qwen2" << 16;
    QTest::newRow("gemma MQA") << "gemma-mqa-4x32-f32"
                               << "gemma" << 32;
    QTest::newRow("gpt2 MHA") << "gpt2-mha-4x16-f32"
                              << "gpt2, F16" << 16;
    QTest::newRow("starcoder MQA") << "starcoder-mqa-4x16-f32"
                                   << "gpt_bigcode MQA" << 16;
    QTest::newRow("falcon MQA") << "falcon-mqa-4x16-f32"
                                << "falcon 7B" << 16;
  }
  void agreesWithLlamaCpp() {
    QFETCH(QString, fixture);
    QFETCH(QString, family);
    QFETCH(int, headDim);
    const std::string stem = fixturePath("checkpoints/" + fixture.toStdString() + ".gguf");
    const std::string base = stem.substr(0, stem.size() - 5);
    const formats::GgufFile file(stem);
    const Family& row = familyNamed(family.toUtf8().constData());
    HuggingFaceFolder folder = Converter(file, row, headDim).convert();

    const std::string prefix = *file.text("general.architecture") + ".";
    const auto count = [&](const char* key) { return *file.integer(prefix + key); };
    nlohmann::json& config = folder.config;
    config = nlohmann::json::parse(row.config);
    config.erase("attention_bias");
    config.erase("num_kv_heads");
    const bool isGpt2 = row.isGpt2;
    config[isGpt2 ? "n_embd" : "hidden_size"] = count("embedding_length");
    config[isGpt2 ? "n_layer" : "num_hidden_layers"] = count("block_count");
    config[isGpt2 ? "n_head" : "num_attention_heads"] = count("attention.head_count");
    config[isGpt2 ? "n_positions" : "max_position_embeddings"] = count("context_length");
    if (!isGpt2 && config["model_type"] != "falcon") {
      config["num_key_value_heads"] = count("attention.head_count_kv");
      config["intermediate_size"] = count("feed_forward_length");
    }
    if (config.contains("head_dim")) config["head_dim"] = headDim;
    for (const char* key : {"rms_norm_eps", "layer_norm_epsilon"}) {
      const bool isRms = std::string(key) == "rms_norm_eps";
      const auto epsilon =
          file.number(prefix + (isRms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon"));
      if (epsilon) config[key] = *epsilon;
    }
    config["rope_theta"] = file.number(prefix + "rope.freq_base").value_or(10000.0);
    config["tie_word_embeddings"] = file.findTensor("output.weight") == nullptr;
    QTemporaryDir target;
    folder.write(target.path().toStdString());

    model::Model loaded = formats::loadModel(target.path().toStdString());
    QVERIFY2(loaded.contradictions.empty(),
             loaded.contradictions.empty() ? "" : loaded.contradictions[0].c_str());
    // llama.cpp looks GELU up in a table of half-precision values, whichever form a family has.
    if (loaded.config.traits.activation != model::Activation::Silu) {
      loaded.config.traits.activation = model::Activation::GeluTable;
    }
    reference::ReferenceDecoder decoder(loaded, {});
    const std::vector<float> logits = model::allLogits(decoder.run(
        readIds(readText(base + ".tokens.txt")), model::Capture::none(), model::LogitsRequest::all()));
    const formats::NpyArray expected = formats::readNpy(base + ".logits.npy");
    const double error = relativeError<float, double>(logits, expected.values);
    qInfo("relative error %.2e", error);
    QVERIFY(error <= kF32LogitsLimit);
  }
};

QTEST_GUILESS_MAIN(TstHuggingFaceLogits)
#include "tst_hugging_face_logits.moc"
