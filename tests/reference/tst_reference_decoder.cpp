#include <QTest>
#include <numeric>

#include "core/formats/gguf/gguf_model.h"
#include "core/formats/npy.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/support/fixtures.h"

using namespace headroom;
using reference::ReferenceDecoder;

namespace {
struct Checkpoint {
  model::Model model;
  std::vector<int> tokens;
  formats::NpyArray logits;
};

Checkpoint load(const QString& name) {
  const std::string base = tests::fixturePath("checkpoints/" + name.toStdString() + ".gguf");
  const std::string stem = base.substr(0, base.size() - 5);
  return {formats::loadGguf(base), tests::readIds(tests::readText(stem + ".tokens.txt")),
          formats::readNpy(stem + ".logits.npy")};
}

/// Logits of every token, one step each.
std::vector<float> decodeStepwise(ReferenceDecoder& decoder, std::span<const int> tokens) {
  std::vector<float> all;
  for (const int token : tokens) {
    decoder.run(std::span(&token, 1), model::Capture::none());
    all.insert(all.end(), decoder.logits().begin(), decoder.logits().end());
  }
  return all;
}

void addCheckpoints() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<double>("limit");
  QTest::newRow("MHA f32") << "llama-mha-8x8-f32" << tests::kF32LogitsLimit;
  QTest::newRow("GQA f32") << "llama-gqa2-8x8-f32" << tests::kF32LogitsLimit;
  QTest::newRow("MQA f32") << "llama-mqa-8x8-f32" << tests::kF32LogitsLimit;
  QTest::newRow("MQA f16") << "llama-mqa-4x32-f16" << tests::kF16LogitsLimit;
  QTest::newRow("GQA q8_0") << "llama-gqa2-8x32-q8_0" << tests::kQ8LogitsLimit;
  QTest::newRow("GQA, biases (Qwen 2)") << "qwen2-gqa2-4x16-f32" << tests::kF32LogitsLimit;
  QTest::newRow("MQA, GELU (Gemma)") << "gemma-mqa-4x32-f32" << tests::kF32LogitsLimit;
  QTest::newRow("MHA, learned positions (GPT-2)") << "gpt2-mha-4x16-f32" << tests::kF32LogitsLimit;
  QTest::newRow("MQA, learned positions (StarCoder)") << "starcoder-mqa-4x16-f32" << tests::kF32LogitsLimit;
  QTest::newRow("MQA, parallel block (Falcon)") << "falcon-mqa-4x16-f32" << tests::kF32LogitsLimit;
}
}  // namespace

class TstReferenceDecoder : public QObject {
  Q_OBJECT

 private slots:
  void agreesWithLlamaCpp_data() { addCheckpoints(); }
  void agreesWithLlamaCpp() {
    QFETCH(QString, name);
    QFETCH(double, limit);
    const Checkpoint checkpoint = load(name);
    ReferenceDecoder decoder(checkpoint.model, {});
    const std::vector<float> logits = decodeStepwise(decoder, checkpoint.tokens);
    const double error = tests::relativeError<float, double>(logits, checkpoint.logits.values);
    qInfo("relative error %.2e, limit %.0e", error, limit);
    QVERIFY(error <= limit);
    QVERIFY(checkpoint.model.contradictions.empty());
  }

  void prefillEqualsSteps_data() { addCheckpoints(); }
  void prefillEqualsSteps() {
    QFETCH(QString, name);
    const Checkpoint checkpoint = load(name);
    std::vector<int> tokens;  // 200 tokens: more than one block
    for (int i = 0; i < 200; ++i) tokens.push_back((i * 37 + 11) % checkpoint.model.config.vocabSize);
    ReferenceDecoder stepwise(checkpoint.model, {});
    const std::vector<float> expected = decodeStepwise(stepwise, tokens);
    ReferenceDecoder prefill(checkpoint.model, {});
    const auto records = prefill.run(tokens, model::Capture::none(), model::LogitsRequest::all());
    QVERIFY(records.size() > 1);
    QCOMPARE(prefill.position(), 200);
    QVERIFY((tests::relativeError<float, float>(model::allLogits(records), expected)) < 1e-6);
  }

  void halfCacheStaysClose_data() { addCheckpoints(); }
  void halfCacheStaysClose() {
    QFETCH(QString, name);
    const Checkpoint checkpoint = load(name);
    ReferenceDecoder full(checkpoint.model, {});
    ReferenceDecoder half(checkpoint.model, {.kvType = model::KvType::F16});
    const std::vector<float> expected = decodeStepwise(full, checkpoint.tokens);
    const std::vector<float> actual = decodeStepwise(half, checkpoint.tokens);
    const double error = tests::relativeError<float, float>(actual, expected);
    QVERIFY(error > 0.0);
    QVERIFY(error <= tests::kReferenceF16CacheLimit);
  }

  void attentionRowsSumToOne_data() { addCheckpoints(); }
  void attentionRowsSumToOne() {
    QFETCH(QString, name);
    const Checkpoint checkpoint = load(name);
    const model::ModelConfig& config = checkpoint.model.config;
    ReferenceDecoder decoder(checkpoint.model, {});
    const auto prefix = std::span(checkpoint.tokens).first(10);
    const auto rest = std::span(checkpoint.tokens).subspan(10);
    for (const auto part : {prefix, rest}) {
      const int first = decoder.position();
      const auto records = decoder.run(part, model::Capture::everything());
      QCOMPARE(records.size(), std::size_t{1});
      const model::AttentionRows& rows = records[0].attention;
      QCOMPARE(rows.layers.size(), static_cast<std::size_t>(config.layerCount));
      QCOMPARE(rows.queryHeadCount(), config.attention.queryHeadCount);
      QCOMPARE(rows.firstPosition, first);
      for (int layer = 0; layer < config.layerCount; ++layer) {
        for (int head = 0; head < rows.queryHeadCount(); ++head) {
          for (int row = 0; row < rows.rowCount; ++row) {
            const auto values = rows.row(layer, head, row);
            QCOMPARE(values.size(), static_cast<std::size_t>(first + row + 1));
            const double sum = std::accumulate(values.begin(), values.end(), 0.0);
            QVERIFY(std::abs(sum - 1.0) <= tests::kRowSumLimit);
            QVERIFY(std::all_of(values.begin(), values.end(), [](float value) { return value >= 0.0f; }));
          }
        }
      }
    }
  }

  void capturesTheChosenLayers() {
    const Checkpoint checkpoint = load("llama-mqa-8x8-f32");
    ReferenceDecoder decoder(checkpoint.model, {});
    const auto none = decoder.run(std::span(checkpoint.tokens).first(2), model::Capture::none());
    QVERIFY(none[0].attention.layers.empty() && none[0].attention.values.empty());
    QCOMPARE(none[0].logical().captureWritten, std::uint64_t{0});
    const auto one = decoder.run(std::span(checkpoint.tokens).subspan(2, 1), {.all = false, .layers = {1}});
    QVERIFY(one[0].attention.layers == std::vector<int>{1});
    // One row of 3 positions for each of 8 heads, 4 bytes each.
    QCOMPARE(one[0].logical().captureWritten, std::uint64_t{3 * 8 * 4});
  }

  void recordsSayWhatHappened() {
    const Checkpoint checkpoint = load("llama-gqa2-8x8-f32");
    const model::ModelConfig& config = checkpoint.model.config;
    ReferenceDecoder decoder(checkpoint.model, {});
    decoder.run(std::span(checkpoint.tokens).first(6), model::Capture::none());
    const auto record = decoder.run(std::span(checkpoint.tokens).subspan(6, 1), model::Capture::none())[0];
    QCOMPARE(record.position, 6);
    QVERIFY(record.tokens == std::vector<int>{checkpoint.tokens[6]});
    QCOMPARE(record.stages.size(), static_cast<std::size_t>(2 + 5 * config.layerCount));
    QVERIFY(record.stages.front().stage == model::Stage::Embedding);
    QVERIFY(record.stages[1].stage == model::Stage::QkvProjection && record.stages[1].layer == 0);
    QVERIFY(record.stages.back().stage == model::Stage::Logits);
    QVERIFY(record.wallTimeMs >= record.gpuTimeMs());
    // The cache formula with 8-byte elements, twice that with 4.
    QCOMPARE(record.cacheBytesUsed, 2 * model::kvCacheBytes(config, model::KvType::F32, 7));
    QVERIFY(record.cacheBytesAllocated >= record.cacheBytesUsed);
    QCOMPARE(record.logical().kvRead, record.cacheBytesUsed);
    QCOMPARE(record.logical().kvWritten * 7, record.cacheBytesUsed);
    // One embedding row instead of the matrix; every other parameter once.
    const std::uint64_t skipped = static_cast<std::uint64_t>(config.vocabSize - 1) * config.modelDim;
    QCOMPARE(record.logical().weightsRead, 8 * (checkpoint.model.weights.parameterCount() - skipped));
    QCOMPARE(record.candidates.size(), static_cast<std::size_t>(model::kCandidateCount));
  }

  void kvTrafficRatioIsTheHeadRatio() {
    const auto kvRead = [](const QString& name) {
      const Checkpoint checkpoint = load(name);
      ReferenceDecoder decoder(checkpoint.model, {});
      return decoder.run(checkpoint.tokens, model::Capture::none())[0].logical().kvRead;
    };
    QCOMPARE(kvRead("llama-mha-8x8-f32"), 8 * kvRead("llama-mqa-8x8-f32"));
    QCOMPARE(kvRead("llama-mha-8x8-f32"), 4 * kvRead("llama-gqa2-8x8-f32"));
  }

  void truncateForgets() {
    const Checkpoint checkpoint = load("llama-mha-8x8-f32");
    ReferenceDecoder decoder(checkpoint.model, {});
    const std::vector<float> expected = decodeStepwise(decoder, checkpoint.tokens);
    decoder.truncate(5);
    QCOMPARE(decoder.position(), 5);
    const std::vector<float> again = decodeStepwise(decoder, std::span(checkpoint.tokens).subspan(5));
    const std::size_t vocabulary = static_cast<std::size_t>(checkpoint.model.config.vocabSize);
    QVERIFY(std::equal(again.begin(), again.end(),
                       expected.begin() + static_cast<std::ptrdiff_t>(5 * vocabulary), expected.end()));
  }

  void refusals() {
    const Checkpoint checkpoint = load("llama-mqa-8x8-f32");
    QVERIFY_THROWS_EXCEPTION(model::Error, ReferenceDecoder(checkpoint.model, {.batch = 0}));
    ReferenceDecoder decoder(checkpoint.model, {.contextLength = 8});
    decoder.run(std::span(checkpoint.tokens).first(6), model::Capture::none());
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             decoder.run(std::span(checkpoint.tokens).first(3), model::Capture::none()));
    QCOMPARE(decoder.position(), 6);
    for (int bad : {-1, checkpoint.model.config.vocabSize}) {
      const std::vector<int> tokens = {1, bad};
      QVERIFY_THROWS_EXCEPTION(model::Error, decoder.run(tokens, model::Capture::none()));
      QCOMPARE(decoder.position(), 6);
    }
    decoder.run(std::span(checkpoint.tokens).first(2), model::Capture::none());
    QCOMPARE(decoder.position(), 8);
  }
};

QTEST_GUILESS_MAIN(TstReferenceDecoder)
#include "tst_reference_decoder.moc"
