#include <fmt/format.h>

#include <QTest>
#include <cmath>

#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/architecture_models.h"
#include "tests/support/fixtures.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::ActivationRequest;
using model::Activations;
using model::Capture;
using model::CapturePoint;
using model::KernelFamily;
using model::KvType;

namespace {

/// Every place of every layer, attention too.
Capture everywhere(int layerCount) {
  Capture capture = Capture::everything();
  for (const CapturePoint point : model::kCapturePoints) {
    ActivationRequest& request = capture.activations.emplace_back(ActivationRequest{.point = point});
    const int layers = point == CapturePoint::Residual ? layerCount + 1 : layerCount;
    for (int layer = 0; layer < layers; ++layer) request.layers.push_back(layer);
  }
  return capture;
}

std::vector<int> someTokens(int count, int vocabSize) {
  std::vector<int> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 53 + 7) % vocabSize);
  return tokens;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

std::span<const float> headOf(std::span<const float> row, int head, int headDim) {
  return row.subspan(static_cast<std::size_t>(head * headDim), static_cast<std::size_t>(headDim));
}

}  // namespace

Q_DECLARE_METATYPE(ArchitectureRow)

/// Values inside a step: the reference's fit together, and the device's are the reference's.
class TestCaptures : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  static void compare(const model::StepRecord& actual, const model::StepRecord& expected, double limit) {
    QCOMPARE(actual.activations.size(), expected.activations.size());
    for (std::size_t index = 0; index < actual.activations.size(); ++index) {
      const Activations& values = actual.activations[index];
      const Activations& truth = expected.activations[index];
      QVERIFY(values.point == truth.point);
      QCOMPARE(values.layer, truth.layer);
      QCOMPARE(values.rowCount, truth.rowCount);
      QCOMPARE(values.firstPosition, truth.firstPosition);
      QCOMPARE(values.columns, truth.columns);
      const double error = relativeError<float, float>(values.values, truth.values);
      QVERIFY2(error <= limit,
               fmt::format("point {}, layer {}: {:.1e}", static_cast<int>(values.point), values.layer, error)
                   .c_str());
    }
  }

  static void addShapes() {
    QTest::addColumn<int>("kvHeads");
    QTest::newRow("MHA") << 4;
    QTest::newRow("GQA") << 2;
    QTest::newRow("MQA") << 1;
  }

 private slots:
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// Scores from queries and keys, weights from scores, outputs from weights and values, in double by the
  /// test.
  void theReferencesFitTogether_data() { addShapes(); }
  void theReferencesFitTogether() {
    QFETCH(int, kvHeads);
    const model::Model model = randomModel(smallConfig({4, kvHeads, 16}), Output::Tied);
    reference::ReferenceDecoder decoder(model, {});
    const auto record = decoder.run(someTokens(12, model.config.vocabSize), everywhere(2)).front();
    const Activations& queries = *record.find(CapturePoint::Queries, 1);
    const Activations& keys = *record.find(CapturePoint::Keys, 1);
    const Activations& values = *record.find(CapturePoint::Values, 1);
    for (int head = 0; head < 4; ++head) {
      const int kvHead = head * kvHeads / 4;
      for (int row = 0; row < 12; ++row) {
        std::vector<double> scores;
        for (int position = 0; position <= row; ++position) {
          scores.push_back(model.config.scoreScale() *
                           dot(headOf(queries.row(row), head, 16), headOf(keys.row(position), kvHead, 16)));
        }
        const double highest = *std::ranges::max_element(scores);
        double sum = 0.0;
        for (const double score : scores) sum += std::exp(score - highest);
        const auto extent = record.find(CapturePoint::SoftmaxExtents, 1)->row(row);
        QVERIFY(std::abs(extent[2 * static_cast<std::size_t>(head)] - highest) < 1e-5);
        QVERIFY(std::abs(extent[2 * static_cast<std::size_t>(head) + 1] - sum) < 1e-5);
        std::vector<float> mixed(16);
        for (int position = 0; position <= row; ++position) {
          const double weight = std::exp(scores[static_cast<std::size_t>(position)] - highest) / sum;
          QVERIFY(std::abs(record.attention.row(1, head, row)[static_cast<std::size_t>(position)] - weight) <
                  1e-6);
          for (std::size_t i = 0; i < 16; ++i) {
            mixed[i] += static_cast<float>(weight * headOf(values.row(position), kvHead, 16)[i]);
          }
        }
        const auto output = headOf(record.find(CapturePoint::HeadOutputs, 1)->row(row), head, 16);
        QVERIFY((relativeError<float, float>(mixed, output)) < 1e-5);
      }
    }
  }

  /// Several steps, so that rows do not begin at 0; both caches.
  void theDevicesAreTheReferences_data() {
    QTest::addColumn<ArchitectureRow>("row");
    QTest::addColumn<KernelFamily>("family");
    QTest::addColumn<bool>("f16");
    const char* const wanted[] = {"qwen3", "gemma2", "phi2", "gpt2", "stablelm", "falcon"};
    std::vector<ArchitectureRow> rows;
    for (const int kvHeads : {4, 2, 1}) {
      rows.push_back({fmt::format("llama with {} KV heads", kvHeads), smallConfig({4, kvHeads, 16})});
    }
    for (const ArchitectureRow& row : architectureRows()) {
      if (std::ranges::find(wanted, row.name) != std::end(wanted)) rows.push_back(row);
    }
    for (const ArchitectureRow& row : rows) {
      for (const KernelFamily family : kFamilies) {
        QTest::addRow("%s, %s", row.name.c_str(), std::string(shortName(family)).c_str())
            << row << family << (row.name == "llama with 2 KV heads");
      }
    }
  }
  void theDevicesAreTheReferences() {
    QFETCH(ArchitectureRow, row);
    QFETCH(KernelFamily, family);
    QFETCH(bool, f16);
    const model::Model model = randomModel(row.config, Output::Separate);
    const KvType type = f16 ? KvType::F16 : KvType::F32;
    UploadedDecoder decoder(m_gpu.device, model,
                            {.kvType = type, .kernels = {.family = family, .attentionWorkgroups = 16}});
    reference::ReferenceDecoder truth(model, {.kvType = type});
    const std::vector<int> tokens = someTokens(100, model.config.vocabSize);
    const Capture capture = everywhere(model.config.layerCount);
    const double limit = f16 ? kReferenceF16CacheLimit : kReferenceF32CacheLimit;
    for (const auto& [first, count] :
         std::vector<std::pair<std::size_t, std::size_t>>{{0, 38}, {38, 1}, {39, 61}}) {
      const auto part = std::span<const int>(tokens).subspan(first, count);
      const auto records = decoder.run(part, capture);
      QCOMPARE(records.size(), std::size_t{1});
      compare(records.front(), truth.run(part, capture).front(), limit);
    }
  }

  /// Only of the layers, and of the sequence, that were asked for; in the order asked for.
  void whatWasNotAskedForIsNotThere() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    UploadedDecoder onDevice(m_gpu.device, model, {.batch = 2});
    reference::ReferenceDecoder onHost(model, {.batch = 2});
    const std::vector<model::StepRow> rows{{0, 5, 0}, {1, 6, 0}, {1, 7, 1}};
    Capture capture{.sequence = 1,
                    .activations = {{CapturePoint::Values, {1}}, {CapturePoint::Residual, {2, 0}}}};
    const model::StepRecord actual = onDevice.runRows(rows, {capture, {}}).front();
    const model::StepRecord expected = onHost.runRows(rows, {capture, {}}).front();
    compare(actual, expected, kReferenceF32CacheLimit);
    // 2 rows of 2 heads x 16 values, and twice a stream of 64.
    QCOMPARE(actual.issued().captureWritten, std::uint64_t{2 * (2 * 16 + 2 * 64) * 4});
    QCOMPARE(expected.logical().captureWritten, actual.issued().captureWritten);
    QCOMPARE(actual.activations.size(), std::size_t{3});
    QVERIFY(actual.activations[0].point == CapturePoint::Values);
    QCOMPARE(actual.activations[1].layer, 2);
    QCOMPARE(actual.activations[1].rowCount, 2);
    QVERIFY(actual.find(CapturePoint::Values, 0) == nullptr);
    QVERIFY(actual.attention.layers.empty());
    // A step without a row of that sequence has nothing of it.
    const model::StepRecord other =
        onDevice.runRows(std::vector<model::StepRow>{{0, 5, 1}}, {capture, {}}).front();
    QVERIFY(other.activations.empty());
  }

  void declaredIsCounted_data() {
    addShapes();
    QTest::newRow("GQA f16") << -2;
  }
  void declaredIsCounted() {
    QFETCH(int, kvHeads);
    const KvType type = kvHeads < 0 ? KvType::F16 : KvType::F32;
    const model::Model model = randomModel(smallConfig({4, std::abs(kvHeads), 16}), Output::Tied);
    const std::vector<int> tokens = someTokens(40, model.config.vocabSize);
    for (const KernelFamily family : kFamilies) {
      UploadedDecoder decoder(m_gpu.device, model,
                              {.kvType = type, .batch = 2, .kernels = {.family = family}},
                              {.build = engine::KernelBuild::Audit});
      const auto plain = decoder.run(std::span(tokens).first(1), Capture::none()).front();
      for (const auto& [first, count] : std::vector<std::pair<std::size_t, std::size_t>>{{1, 1}, {2, 30}}) {
        const auto record =
            decoder.run(std::span(tokens).subspan(first, count), everywhere(model.config.layerCount)).front();
        QCOMPARE(decoder.audited().size(), record.stages.size());
        for (std::size_t stage = 0; stage < record.stages.size(); ++stage) {
          const model::Traffic& declared = record.stages[stage].issued;
          const model::Traffic& counted = decoder.audited()[stage];
          QVERIFY2(declared == counted,
                   fmt::format("{}: captured {}, {}; KV read {}, {}; activations read {}, {}",
                               stageName(record.stages[stage].stage), declared.captureWritten,
                               counted.captureWritten, declared.kvRead, counted.kvRead,
                               declared.activationsRead, counted.activationsRead)
                       .c_str());
        }
        QVERIFY(record.issued().captureWritten > 0);
      }
      QCOMPARE(plain.issued().captureWritten, std::uint64_t{0});
      for (const model::StageRecord& stage : plain.stages) {
        const bool merges = family == KernelFamily::Rows && stage.stage == model::Stage::AttentionOutput;
        QCOMPARE(stage.dispatchCount, merges ? 2 : 1);
      }
    }
  }

  void layersThatAreNotThereAreRefused() {
    const model::Model model = randomModel(smallConfig({4, 2, 16}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {});
    for (const auto& [point, layer] : std::vector<std::pair<CapturePoint, int>>{
             {CapturePoint::Residual, 3}, {CapturePoint::Keys, 2}, {CapturePoint::Keys, -1}}) {
      try {
        decoder.run(std::vector<int>{1}, {.activations = {{point, {layer}}}});
        QFAIL("no error was thrown");
      } catch (const model::Error& error) {
        QVERIFY2(QString(error.what()).contains(QString("layer %1 were asked for").arg(layer)), error.what());
      }
    }
  }
};

QTEST_GUILESS_MAIN(TestCaptures)
#include "tst_captures.moc"
