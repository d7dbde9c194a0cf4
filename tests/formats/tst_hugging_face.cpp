#include <QTest>
#include <cmath>

#include "core/formats/gguf/gguf_layout.h"
#include "core/formats/load_model.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/formats/hugging_face_families.h"

using namespace headroom;
using nlohmann::json;
using namespace tests;

class TstHuggingFace : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  std::string path(const std::string& name) const {
    return m_folder.filePath(QString::fromStdString(name)).toStdString();
  }
  std::string refusal(const std::string& folder) const {
    try {
      formats::loadModel(folder);
    } catch (const model::Error& error) {
      return error.what();
    }
    return {};
  }

 private slots:
  void everyFamilysTensors_data() {
    QTest::addColumn<int>("index");
    for (std::size_t i = 0; i < families().size(); ++i)
      QTest::newRow(families()[i].row) << static_cast<int>(i);
  }
  void everyFamilysTensors() {
    QFETCH(int, index);
    const Family& family = families()[static_cast<std::size_t>(index)];
    const Sample sample = sampleOf(family);
    sample.folder.write(path("sample"));
    model::Model loaded = formats::loadModel(path("sample"));

    QVERIFY(loaded.config.attention == family.attention);
    QCOMPARE(loaded.config.layerCount, kLayers);
    QCOMPARE(loaded.config.modelDim, kModelDim);
    QCOMPARE(loaded.config.ffnDim, kFfnDim);
    QCOMPARE(loaded.config.vocabSize, kVocabulary);
    QCOMPARE(loaded.config.name, std::string("sample"));
    QCOMPARE(loaded.weights.tied(), !sample.meant.contains("output.weight"));
    std::size_t compared = 0;
    for (const formats::TensorSlot& slot : formats::modelTensors(loaded.config, loaded.weights)) {
      const auto meant = sample.meant.find(slot.name);
      if (meant == sample.meant.end()) {
        // Only what is shared may be there without having been stored.
        const bool isShared = slot.name == "output.weight" || slot.name.find("ffn_norm") != std::string::npos;
        QVERIFY2(slot.tensor->empty() || isShared, slot.name.c_str());
        continue;
      }
      QCOMPARE(slot.tensor->rows, meant->second.rows);
      QCOMPARE(slot.tensor->columns, meant->second.columns);
      QVERIFY2(slot.tensor->toFloat() == meant->second.data, slot.name.c_str());
      if (slot.tensor->rows > 1) QVERIFY2(slot.tensor->storage == family.storage, slot.name.c_str());
      ++compared;
    }
    QCOMPARE(compared, sample.meant.size());
  }

  void everyFamilyDecodes_data() { everyFamilysTensors_data(); }
  void everyFamilyDecodes() {
    QFETCH(int, index);
    sampleOf(families()[static_cast<std::size_t>(index)]).folder.write(path("decodes"));
    const model::Model loaded = formats::loadModel(path("decodes"));
    reference::ReferenceDecoder decoder(loaded, {});
    const std::vector<int> tokens = {3, 1, 4, 1, 5};
    decoder.run(tokens, model::Capture::none());
    for (float logit : decoder.logits()) QVERIFY(std::isfinite(logit));
  }

  void kvHeadsThatDisagreeAreNamed() {
    sampleOf(familyNamed("falcon 7B")).folder.write(path("falcon"));
    const model::Model loaded = formats::loadModel(path("falcon"));
    QVERIFY(loaded.config.attention.kind() == model::AttentionKind::MultiQuery);
    QCOMPARE(loaded.contradictions.size(), std::size_t{1});
    const std::string& sentence = loaded.contradictions[0];
    QVERIFY2(sentence.starts_with("num_kv_heads: 4 means 4 KV heads"), sentence.c_str());
    QVERIFY2(sentence.ends_with("so there are 1"), sentence.c_str());
  }

  void biasesThatDisagreeAreNamed() {
    Sample sample = sampleOf(familyNamed("llama with biases"));
    sample.folder.config["attention_bias"] = false;
    sample.folder.write(path("biased"));
    const model::Model loaded = formats::loadModel(path("biased"));
    QCOMPARE(loaded.contradictions.size(), std::size_t{1});
    QVERIFY2(loaded.contradictions[0].starts_with("attention_bias: false, but"),
             loaded.contradictions[0].c_str());
  }

  void severalFiles() {
    const Sample sample = sampleOf(familyNamed("llama with biases"));
    const std::string folder = path("several");
    sample.folder.writeText(folder, "config.json", sample.folder.config.dump());
    const auto isSecond = [](const std::string& name) { return name.starts_with("model.layers.1."); };
    sample.folder.writeTensors(folder + "/a.safetensors", [&](const auto& name) { return !isSecond(name); });
    sample.folder.writeTensors(folder + "/b.safetensors", isSecond);
    json index;
    for (const auto& [name, values] : sample.folder.tensors) {
      index["weight_map"][name] = isSecond(name) ? "b.safetensors" : "a.safetensors";
    }
    sample.folder.writeText(folder, "model.safetensors.index.json", index.dump());
    model::Model loaded = formats::loadModel(folder);
    QVERIFY(loaded.weights.layers[1].ffnDown.toFloat() == sample.meant.at("blk.1.ffn_down.weight").data);

    const auto refusedWith = [&](const json& broken, const char* fragment) {
      sample.folder.writeText(folder, "model.safetensors.index.json", broken.dump());
      const std::string sentence = refusal(folder);
      return sentence.starts_with(folder + "/model.safetensors.index.json: ") &&
             sentence.find(fragment) != std::string::npos;
    };
    json broken = index;
    broken["weight_map"]["lm_head.weight"] = "c.safetensors";
    QVERIFY(refusedWith(broken, "c.safetensors is missing"));
    broken["weight_map"]["lm_head.weight"] = "b.safetensors";
    QVERIFY(refusedWith(broken, "\"lm_head.weight\" is not in b.safetensors"));
    broken["weight_map"]["lm_head.weight"] = "../several/a.safetensors";
    QVERIFY(refusedWith(broken, "expected the name of a .safetensors file"));
    broken["weight_map"]["lm_head.weight"] = 7;
    QVERIFY(refusedWith(broken, "is 7, expected text"));
    QVERIFY(refusedWith(json::object(), "weight_map is missing"));
  }

  void whatIsNoWeightIsLeftOut() {
    Sample sample = sampleOf(familyNamed("gpt2, F16"));
    sample.folder.tensors["transformer.h.0.attn.bias"] = {4, 4, std::vector<float>(16, 1.0f)};
    sample.folder.tensors["transformer.h.0.attn.masked_bias"] = {1, 1, {-10000.0f}};
    sample.folder.tensors["lm_head.weight"] = {kVocabulary, kModelDim,
                                               std::vector<float>(kVocabulary * kModelDim, 1.0f)};
    sample.folder.write(path("masks"));
    QVERIFY(formats::loadModel(path("masks")).weights.tied());
  }

  void brokenFolders() {
    const auto refusedWith = [&](const std::string& name, const char* fragment,
                                 const std::function<void(HuggingFaceFolder&)>& spoil) {
      HuggingFaceFolder folder = sampleOf(familyNamed("llama with biases")).folder;
      spoil(folder);
      folder.write(path(name));
      const std::string sentence = refusal(path(name));
      const bool isRight = sentence.starts_with(path(name)) && sentence.find(fragment) != std::string::npos;
      if (!isRight) qWarning("%s", sentence.c_str());
      return isRight;
    };
    QVERIFY(refusedWith("unknown", "\"model.layers.0.extra.weight\" is not part of a llama model",
                        [](auto& folder) {
                          folder.tensors["model.layers.0.extra.weight"] = {1, 1, {0.0f}};
                        }));
    QVERIFY(refusedWith("twice", "is there twice", [](auto& folder) {
      folder.tensors["norm.weight"] = folder.tensors["model.norm.weight"];
    }));
    QVERIFY(refusedWith("missing", "\"model.layers.1.mlp.down_proj.weight\" is missing",
                        [](auto& folder) { folder.tensors.erase("model.layers.1.mlp.down_proj.weight"); }));
    QVERIFY(refusedWith("shape", "has shape 8 x 48, expected 32 x 48", [](auto& folder) {
      Values& values = folder.tensors["model.layers.1.mlp.down_proj.weight"];
      values = {8, kFfnDim, std::vector<float>(8 * kFfnDim)};
    }));
    QVERIFY(refusedWith("nan", "holds NaN or infinity", [](auto& folder) {
      folder.tensors["model.norm.weight"].data[3] = std::numeric_limits<float>::quiet_NaN();
    }));
    QVERIFY(refusedWith("layers", "claims 65536 layers",
                        [](auto& folder) { folder.config["num_hidden_layers"] = 65536; }));
  }

  void missingFilesAreNamed() {
    const std::string folder = path("bare");
    const Sample sample = sampleOf(familyNamed("qwen2"));
    std::filesystem::create_directories(folder);
    QVERIFY(refusal(folder).find("has no config.json") != std::string::npos);
    sample.folder.writeText(folder, "config.json", sample.folder.config.dump());
    QVERIFY(refusal(folder).find("has no model.safetensors and no") != std::string::npos);
    sample.folder.writeText(folder, "pytorch_model.bin", "x");
    QVERIFY(refusal(folder).find("pytorch_model.bin, which may run any code") != std::string::npos);
    sample.folder.writeText(folder, "config.json", "");
    QVERIFY(refusal(folder).find("config.json is empty") != std::string::npos);
    sample.folder.writeText(folder, "config.json", "{");
    QVERIFY(refusal(folder).find("config.json: it is not JSON at byte") != std::string::npos);
  }

  void generationConfigIsANote() {
    const Sample sample = sampleOf(familyNamed("qwen2"));
    const std::string folder = path("suggests");
    sample.folder.write(folder);
    const auto notes = [&](const char* text) {
      sample.folder.writeText(folder, "generation_config.json", text);
      std::string all;
      for (const std::string& note : formats::loadModel(folder).notes) all += note + "\n";
      return all;
    };
    QVERIFY(notes(R"({"do_sample":true,"temperature":0.6,"top_k":20,"top_p":0.95})")
                .find("suggests to sample with temperature 0.6, top-k 20, top-p 0.95.") != std::string::npos);
    QVERIFY(notes("{}").find("generation_config") == std::string::npos);
    QVERIFY(notes(R"({"do_sample":true,"temperature":"hot"})").find("temperature is \"hot\", expected") !=
            std::string::npos);
  }
};

QTEST_GUILESS_MAIN(TstHuggingFace)
#include "tst_hugging_face.moc"
