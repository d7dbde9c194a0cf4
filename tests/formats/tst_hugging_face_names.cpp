#include <QTemporaryDir>
#include <QTest>

#include "core/formats/hugging_face/hugging_face_model.h"
#include "core/model/error.h"
#include "tests/formats/hugging_face_families.h"

using namespace headroom;
using tests::Family;
using tests::Sample;
using tests::Values;

/// Whoever reads an error of a folder looks for the tensor in that folder.
class TstHuggingFaceNames : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;

  /// The sentence with which a folder is refused; empty when it opens.
  std::string refusal(const tests::HuggingFaceFolder& folder) const {
    folder.write(m_folder.path().toStdString());
    try {
      formats::loadHuggingFace(m_folder.path().toStdString());
    } catch (const model::Error& error) {
      return error.what();
    }
    return {};
  }

  static void eachFamily() {
    QTest::addColumn<int>("index");
    const std::vector<Family>& all = tests::families();
    for (std::size_t i = 0; i < all.size(); ++i) QTest::newRow(all[i].row) << static_cast<int>(i);
  }

  /// No name of another format, and `name` in quotation marks, perhaps with a remark.
  static void speaksOf(const std::string& sentence, const std::string& name) {
    QVERIFY2(
        sentence.find("\"" + name) != std::string::npos || sentence.find(": " + name) != std::string::npos,
        (name + " in: " + sentence).c_str());
    for (const char* foreign : {"blk.", "token_embd", "output_norm", "position_embd"}) {
      QVERIFY2(sentence.find(foreign) == std::string::npos, sentence.c_str());
    }
  }

 private slots:
  void missingTensors_data() { eachFamily(); }
  void missingTensors() {
    QFETCH(int, index);
    const Sample sample = tests::sampleOf(tests::families()[static_cast<std::size_t>(index)]);
    QCOMPARE(refusal(sample.folder), std::string());
    int refused = 0;
    for (const auto& [name, values] : sample.folder.tensors) {
      tests::HuggingFaceFolder folder = sample.folder;
      folder.tensors.erase(name);
      const std::string sentence = refusal(folder);
      if (sentence.empty()) continue;  // the forward pass goes without it
      ++refused;
      speaksOf(sentence, name);
      QVERIFY2(sentence.find("missing") != std::string::npos, sentence.c_str());
    }
    QVERIFY(refused >= 2 * 5 + 1);  // the weights of two layers and the embedding
  }

  /// In no layer, so that no other one shows what it is called.
  void tensorsMissingInEveryLayer_data() { eachFamily(); }
  void tensorsMissingInEveryLayer() {
    QFETCH(int, index);
    const Sample sample = tests::sampleOf(tests::families()[static_cast<std::size_t>(index)]);
    for (const auto& [name, values] : sample.folder.tensors) {
      const std::size_t number = name.find(".0.");
      if (number == std::string::npos) continue;
      tests::HuggingFaceFolder folder = sample.folder;
      folder.tensors.erase(name);
      folder.tensors.erase(name.substr(0, number) + ".1." + name.substr(number + 3));
      const std::string sentence = refusal(folder);
      if (!sentence.empty()) speaksOf(sentence, name);
    }
  }

  void tensorsOfAnotherShape_data() { eachFamily(); }
  void tensorsOfAnotherShape() {
    QFETCH(int, index);
    const Sample sample = tests::sampleOf(tests::families()[static_cast<std::size_t>(index)]);
    for (const char* layer : {".1.", ""}) {
      for (const auto& [name, values] : sample.folder.tensors) {
        if (name.find(layer) == std::string::npos || (!*layer && name.find(".0.") != std::string::npos))
          continue;
        tests::HuggingFaceFolder folder = sample.folder;
        Values& changed = folder.tensors.at(name);
        changed.columns += 2;
        changed.data.resize(static_cast<std::size_t>(changed.rows) *
                            static_cast<std::size_t>(changed.columns));
        const std::string sentence = refusal(folder);
        // The embedding's size is the model's: every other tensor is wrong then.
        if (sentence.empty() || name.find("emb") != std::string::npos ||
            name.find("wte") != std::string::npos) {
          QVERIFY2(sentence.find("blk.") == std::string::npos, sentence.c_str());
        } else {
          speaksOf(sentence, name);
        }
      }
    }
  }

  void tensorsThatAreNotNumbers() {
    Sample sample = tests::sampleOf(tests::familyNamed("llama with biases"));
    sample.folder.tensors.at("model.layers.1.mlp.up_proj.weight").data[5] = NAN;
    speaksOf(refusal(sample.folder), "model.layers.1.mlp.up_proj.weight");
  }

  void biasesThatTheConfigDenies() {
    Sample sample = tests::sampleOf(tests::familyNamed("llama with biases"));
    sample.folder.config["attention_bias"] = false;
    sample.folder.write(m_folder.path().toStdString());
    const model::Model model = formats::loadHuggingFace(m_folder.path().toStdString());
    QVERIFY(!model.contradictions.empty());
    speaksOf(model.contradictions.front(), "model.layers.0.self_attn.q_proj.bias");
  }
};

QTEST_GUILESS_MAIN(TstHuggingFaceNames)
#include "tst_hugging_face_names.moc"
