#include <QTest>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <sys/resource.h>

#include "core/formats/gguf/gguf_file.h"
#include "core/formats/gguf/gguf_layout.h"
#include "core/formats/gguf/gguf_model.h"
#include "core/formats/gguf/gguf_tokenizer.h"
#include "core/formats/gguf/gguf_writer.h"
#include "core/formats/synthetic_model.h"
#include "core/model/error.h"
#include "core/text/sentencepiece_bpe.h"
#include "tests/support/fixtures.h"
#include "tests/support/random_model.h"

using namespace headroom;
using model::Storage;

Q_DECLARE_METATYPE(headroom::model::AttentionShape)
Q_DECLARE_METATYPE(headroom::model::Storage)
Q_DECLARE_METATYPE(headroom::tests::Output)

namespace {
/// Largest error of one element that a storage may cause, for a row with this largest magnitude.
double storageError(Storage storage, double value, double largestOfBlock) {
  switch (storage) {
    case Storage::F32:
      return 0.0;
    case Storage::F16:  // half a unit in the last of 11 bits, or of the smallest subnormal
      return std::max(std::abs(value) * 0x1p-11, 0x1p-25);
    case Storage::Q8_0:  // half a step, and the step rounded to half
      return largestOfBlock / 127.0 * 0.5 + largestOfBlock * 0x1p-11 + 0x1p-17;
    default:
      return 0.0;
  }
}

void compareTensor(const std::string& name, const model::Tensor& actual, const model::Tensor& expected,
                   Storage storage) {
  QCOMPARE(actual.rows, expected.rows);
  QCOMPARE(actual.columns, expected.columns);
  if (expected.empty()) return;
  QVERIFY(actual.storage == (expected.rows == 1 ? Storage::F32 : storage));
  const std::vector<float> a = actual.toFloat();
  const std::vector<float> e = expected.toFloat();
  for (std::size_t i = 0; i < a.size(); ++i) {
    double largest = 0.0;
    for (std::size_t j = i / 32 * 32; j < std::min(i / 32 * 32 + 32, e.size()); ++j) {
      largest = std::max(largest, std::abs(static_cast<double>(e[j])));
    }
    const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(e[i]));
    QVERIFY2(error <= storageError(actual.storage, e[i], largest), name.c_str());
  }
}
}  // namespace

class TstGgufRoundTrip : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  std::string file(const char* name) const { return m_folder.filePath(name).toStdString(); }

 private slots:
  void everyStorageAndShape_data() {
    QTest::addColumn<model::AttentionShape>("attention");
    QTest::addColumn<Storage>("storage");
    QTest::addColumn<tests::Output>("output");
    const std::pair<const char*, model::AttentionShape> shapes[] = {{"MHA 4x16", {4, 4, 16}},
                                                                    {"GQA 6/2x32", {6, 2, 32}},
                                                                    {"MQA 4x64", {4, 1, 64}},
                                                                    {"MHA 1x8", {1, 1, 32}}};
    for (const auto& [name, shape] : shapes) {
      for (Storage storage : {Storage::F32, Storage::F16, Storage::Q8_0}) {
        for (tests::Output output : {tests::Output::Tied, tests::Output::Separate}) {
          const QString row = QString("%1 %2 %3")
                                  .arg(name)
                                  .arg(static_cast<int>(storage))
                                  .arg(output == tests::Output::Tied ? "tied" : "separate");
          QTest::newRow(qPrintable(row)) << shape << storage << output;
        }
      }
    }
  }
  void everyStorageAndShape() {
    QFETCH(model::AttentionShape, attention);
    QFETCH(Storage, storage);
    QFETCH(tests::Output, output);
    model::ModelConfig config = tests::smallConfig(attention);
    config.ropeBase = 500000.0f;
    config.normEpsilon = 3e-6f;
    model::Model original = tests::randomModel(config, output);
    formats::writeGguf(
        {original.config, original.weights, original.tokenizer.get(), {{"general.note", "a text"}}},
        file("model.gguf"), storage);
    model::Model loaded = formats::loadGguf(file("model.gguf"));

    QVERIFY(loaded.contradictions.empty());
    QCOMPARE(loaded.storageName, std::string(shortName(storage)));
    QVERIFY(loaded.config.attention == attention);
    QCOMPARE(loaded.config.layerCount, config.layerCount);
    QCOMPARE(loaded.config.modelDim, config.modelDim);
    QCOMPARE(loaded.config.ffnDim, config.ffnDim);
    QCOMPARE(loaded.config.vocabSize, original.config.vocabSize);
    QCOMPARE(loaded.config.contextLength, config.contextLength);
    QCOMPARE(loaded.config.ropeBase, config.ropeBase);
    QCOMPARE(loaded.config.ropeDim, attention.headDim);
    QCOMPARE(loaded.config.normEpsilon, config.normEpsilon);
    QCOMPARE(loaded.config.name, config.name);
    QCOMPARE(loaded.weights.tied(), output == tests::Output::Tied);
    QCOMPARE(loaded.weights.parameterCount(), original.weights.parameterCount());
    QCOMPARE(formats::GgufFile(file("model.gguf")).text("general.note").value(), std::string("a text"));

    const auto expected = formats::modelTensors(original.config, original.weights);
    const auto actual = formats::modelTensors(loaded.config, loaded.weights);
    QCOMPARE(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      compareTensor(actual[i].name, *actual[i].tensor, *expected[i].tensor, storage);
      if (QTest::currentTestFailed()) return;
    }
  }

  void byteTokenizerSurvives() {
    model::Model original = tests::randomModel(tests::smallConfig({2, 1, 32}), tests::Output::Tied);
    formats::writeGguf({original.config, original.weights, original.tokenizer.get()}, file("bytes.gguf"),
                       Storage::F16);
    const model::Model loaded = formats::loadGguf(file("bytes.gguf"));
    QCOMPARE(loaded.tokenizer->endToken(), original.tokenizer->endToken());
    QCOMPARE(loaded.tokenizer->beginToken(), -1);
    const std::string text = "the theme\n\xFF";
    QVERIFY(loaded.tokenizer->encode(text) == original.tokenizer->encode(text));
    QCOMPARE(loaded.tokenizer->decode(loaded.tokenizer->encode(text)), text);
  }

  void sentencePieceTokenizerSurvives() {
    const model::Model fixture = formats::loadGguf(tests::fixturePath("checkpoints/llama-mqa-8x8-f32.gguf"));
    formats::writeGguf({fixture.config, fixture.weights, fixture.tokenizer.get()}, file("spm.gguf"),
                       Storage::F32);
    const model::Model loaded = formats::loadGguf(file("spm.gguf"));
    QCOMPARE(loaded.tokenizer->beginToken(), fixture.tokenizer->beginToken());
    QCOMPARE(loaded.tokenizer->endToken(), fixture.tokenizer->endToken());
    const std::string text = " w12 hello\xF0\x9F\x98\x80";
    QVERIFY(loaded.tokenizer->encode(text) == fixture.tokenizer->encode(text));
    QVERIFY(loaded.weights.storedBytes() == fixture.weights.storedBytes());
  }

  void noTokenizerIsFine() {
    model::Model original = tests::randomModel(tests::smallConfig({2, 2, 32}), tests::Output::Tied);
    formats::writeGguf({original.config, original.weights}, file("bare.gguf"), Storage::F32);
    QVERIFY(formats::loadGguf(file("bare.gguf")).tokenizer == nullptr);
  }

  void versionTwoReadsLikeThree() {
    const std::string fixture = tests::fixturePath("checkpoints/llama-mqa-8x8-f32.gguf");
    std::string bytes = tests::readText(fixture);
    bytes[4] = 2;
    std::ofstream(file("v2.gguf"), std::ios::binary) << bytes;
    QVERIFY(formats::loadGguf(file("v2.gguf")).config.attention ==
            formats::loadGguf(fixture).config.attention);
  }

  void contradictionsAreNamedAndShapesWin() {
    model::Model original = tests::randomModel(tests::smallConfig({4, 1, 16}), tests::Output::Tied);
    formats::writeGguf({original.config, original.weights, original.tokenizer.get()}, file("liar.gguf"),
                       Storage::F32);
    std::string bytes = tests::readText(file("liar.gguf"));
    const std::string key = "llama.attention.head_count_kv";
    bytes[bytes.find(key) + key.size() + 4] = 4;  // the value after its type
    std::ofstream(file("liar.gguf"), std::ios::binary) << bytes;
    const model::Model loaded = formats::loadGguf(file("liar.gguf"));
    QVERIFY(loaded.config.attention.kind() == model::AttentionKind::MultiQuery);
    QCOMPARE(loaded.contradictions.size(), std::size_t{1});
    QVERIFY(loaded.contradictions[0].find("means 4 KV heads") != std::string::npos);
  }

  void valuesBeyondTheStorageAreRefused_data() {
    QTest::addColumn<Storage>("storage");
    QTest::addColumn<float>("value");
    QTest::newRow("beyond F16") << Storage::F16 << 1e6f;
    QTest::newRow("beyond Q8_0") << Storage::Q8_0 << 1e8f;
    QTest::newRow("NaN in F32") << Storage::F32 << std::numeric_limits<float>::quiet_NaN();
    QTest::newRow("infinity in F32") << Storage::F32 << std::numeric_limits<float>::infinity();
  }
  void valuesBeyondTheStorageAreRefused() {
    QFETCH(Storage, storage);
    QFETCH(float, value);
    model::Model original = tests::randomModel(tests::smallConfig({2, 2, 32}), tests::Output::Tied);
    auto* query = const_cast<std::byte*>(original.weights.layers[0].query.bytes.data());
    std::memcpy(query + 7 * sizeof value, &value, sizeof value);
    try {
      formats::writeGguf({original.config, original.weights, nullptr}, file("big.gguf"), storage);
      QFAIL("was written");
    } catch (const model::Error& error) {
      QVERIFY2(std::string(error.what()).find("blk.0.attn_q.weight") != std::string::npos, error.what());
    }
    QVERIFY(!std::filesystem::exists(file("big.gguf")));
  }

  void failedWritesLeaveTheOldFile() {
    model::Model original = tests::randomModel(tests::smallConfig({2, 2, 32}), tests::Output::Tied);
    const formats::GgufSource source{original.config, original.weights, original.tokenizer.get()};
    formats::writeGguf(source, file("keep.gguf"), Storage::F16);
    const std::string before = tests::readText(file("keep.gguf"));
    // A file size limit stands in for a full disk: write() fails part of the way.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit unlimited{};
    getrlimit(RLIMIT_FSIZE, &unlimited);
    const rlimit small{.rlim_cur = before.size() / 2, .rlim_max = unlimited.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    std::string message;
    try {
      formats::writeGguf(source, file("keep.gguf"), Storage::F32);
    } catch (const model::Error& error) {
      message = error.what();
    }
    setrlimit(RLIMIT_FSIZE, &unlimited);
    QVERIFY2(message.find("Cannot write") != std::string::npos, message.c_str());
    QVERIFY2(message.find("keep.gguf") != std::string::npos, message.c_str());
    QVERIFY(tests::readText(file("keep.gguf")) == before);
    for (const auto& entry : std::filesystem::directory_iterator(m_folder.path().toStdString())) {
      QVERIFY2(entry.path().string().find(".part-") == std::string::npos, entry.path().c_str());
    }
  }

  /// Layers that are alike take the memory of one; within a layer, and where each has its own, nothing is
  /// shared.
  void alikeLayersShareTheirWeights() {
    const model::ModelConfig config = tests::smallConfig({4, 2, 16});
    for (const auto kind : {formats::LayerWeightsKind::Own, formats::LayerWeightsKind::Alike}) {
      const model::Model model =
          formats::syntheticModel(config, Storage::F16, formats::OutputMatrix::Tied, 1, kind);
      const model::LayerWeights& first = model.weights.layers[0];
      const model::LayerWeights& second = model.weights.layers[1];
      const bool isAlike = kind == formats::LayerWeightsKind::Alike;
      QCOMPARE(second.query.bytes.data() == first.query.bytes.data(), isAlike);
      QCOMPARE(second.ffnDown.bytes.data() == first.ffnDown.bytes.data(), isAlike);
      QCOMPARE(std::ranges::equal(second.ffnDown.bytes, first.ffnDown.bytes), isAlike);
      QVERIFY(first.ffnUp.bytes.data() != first.ffnGate.bytes.data());
      QVERIFY(!second.attentionNorm.empty());
    }
  }

  void writingIntoNoFolderIsAnError() {
    model::Model original = tests::randomModel(tests::smallConfig({2, 2, 32}), tests::Output::Tied);
    const formats::GgufSource source{original.config, original.weights, nullptr};
    QVERIFY_THROWS_EXCEPTION(model::Error, formats::writeGguf(source, file("no/such/x.gguf"), Storage::F32));
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             formats::writeGguf(source, m_folder.path().toStdString(), Storage::F32));
  }
};

QTEST_GUILESS_MAIN(TstGgufRoundTrip)
#include "tst_gguf_round_trip.moc"
