#include <QTest>

#include "core/analysis/roofline.h"
#include "core/analysis/weight_geometry.h"
#include "tests/analysis/synthetic_lanes.h"

using namespace headroom;
using namespace headroom::analysis;
using model::Stage;

class TestRoofline : public QObject {
  Q_OBJECT

 private slots:
  /// Operations counted by running the loops that the formulas stand for.
  void flopsAreThoseOfTheLoops_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("batch");
    QTest::newRow("MHA") << 8 << 1;
    QTest::newRow("GQA, batch 3") << 2 << 3;
    QTest::newRow("MQA") << 1 << 1;
  }
  void flopsAreThoseOfTheLoops() {
    QFETCH(int, kvHeads);
    QFETCH(int, batch);
    constexpr int kPositions = 5;
    const model::ModelConfig config = test::config(kvHeads);
    const auto matrixVector = [](int rows, int columns) {
      double operations = 0.0;
      for (int row = 0; row < rows; ++row) operations += 2.0 * columns;  // multiply and add
      return operations;
    };
    double qkv = 0.0;
    double attention = 0.0;
    double output = 0.0;
    double gateUp = 0.0;
    double down = 0.0;
    double logits = 0.0;
    for (int sequence = 0; sequence < batch; ++sequence) {
      logits += matrixVector(2048, 256);
      for (int layer = 0; layer < 4; ++layer) {
        qkv += matrixVector(8 * 32, 256) + 2.0 * matrixVector(kvHeads * 32, 256);
        for (int head = 0; head < 8; ++head) {
          for (int position = 0; position < kPositions; ++position) attention += 2.0 * 32 + 2.0 * 32;
        }
        output += matrixVector(256, 8 * 32);
        gateUp += 2.0 * matrixVector(384, 256);
        down += matrixVector(256, 384);
      }
    }
    const StepExtent extent{.batch = batch, .positions = kPositions};
    QCOMPARE(stageFlops(config, Stage::Embedding, extent), 0.0);
    QCOMPARE(stageFlops(config, Stage::QkvProjection, extent), qkv);
    QCOMPARE(stageFlops(config, Stage::AttentionDecode, extent), attention);
    QCOMPARE(stageFlops(config, Stage::AttentionOutput, extent), output);
    QCOMPARE(stageFlops(config, Stage::FfnGateUp, extent), gateUp);
    QCOMPARE(stageFlops(config, Stage::FfnDown, extent), down);
    QCOMPARE(stageFlops(config, Stage::Logits, extent), logits);
  }

  void pointsOfKnownSteps() {
    const auto points = rooflinePoints(test::lane(8, {}, 99, 99));
    // Embedding and logits were not run by these steps.
    QCOMPARE(points.size(), std::size_t{5});
    const RooflinePoint& attention = points[1];
    QCOMPARE(attention.stage, Stage::AttentionDecode);
    // 4 layers x 4 x 8 heads x 32 x 100 positions; 8,192 bytes per position; 0.04 + 100 x 0.001 ms.
    QCOMPARE(attention.flops, 409'600.0);
    QCOMPARE(attention.issuedBytes, 819'200.0);
    QCOMPARE(attention.intensity(), 0.5);
    QVERIFY(std::abs(attention.milliseconds - 0.14) < 1e-12);
    QVERIFY(std::abs(attention.gigaflopsPerSecond() - 409'600.0 / 0.14e-3 * 1e-9) < 1e-9);
    QVERIFY(std::abs(attention.gigabytesPerSecond() - 819'200.0 / 0.14e-3 * 1e-9) < 1e-9);
    QVERIFY(rooflinePoints(measureLane(test::config(8), {}, {})).empty());
  }

  void roofs() {
    QCOMPARE(attainableGflops(0.5, 20.0, 1000.0), 10.0);
    QCOMPARE(attainableGflops(50.0, 20.0, 1000.0), 1000.0);
    QCOMPARE(attainableGflops(100.0, 20.0, 1000.0), 1000.0);
  }

  /// Attention parameters per layer are 2 d H h (W_Q and W_O) + 2 d G h (W_K and W_V), for a model of d
  /// values, H query heads and G KV heads of h values.
  void weightsOfTheBundledShape_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("ffnDim");
    QTest::addColumn<qint64>("counted");  // what PyTorch counted when it trained them
    QTest::addColumn<qint64>("attention");
    QTest::newRow("MHA") << 8 << 864 << qint64{8'749'120} << qint64{6 * (2 * 320 * 320 + 2 * 320 * 320)};
    QTest::newRow("GQA") << 2 << 1024 << qint64{8'749'120} << qint64{6 * (2 * 320 * 320 + 2 * 320 * 80)};
    QTest::newRow("MQA") << 1 << 1056 << qint64{8'779'840} << qint64{6 * (2 * 320 * 320 + 2 * 320 * 40)};
  }
  void weightsOfTheBundledShape() {
    QFETCH(int, kvHeads);
    QFETCH(int, ffnDim);
    QFETCH(qint64, counted);
    QFETCH(qint64, attention);
    model::ModelConfig config = test::config(kvHeads);
    config.layerCount = 6;
    config.modelDim = 320;
    config.ffnDim = ffnDim;
    config.vocabSize = 4096;
    config.attention.headDim = 40;
    const auto parameters = static_cast<std::uint64_t>(counted);
    const WeightGeometry tied = weightGeometry(config, OutputProjection::Tied, parameters);
    QCOMPARE(static_cast<qint64>(tied.attentionParameters()), attention);
    QCOMPARE(tied.layer[1].symbol, std::string_view("W_K"));
    QCOMPARE(static_cast<int>(tied.layer[1].rows), kvHeads * 40);
    QCOMPARE(static_cast<int>(tied.layer[1].columns), 320);
    const WeightGeometry own = weightGeometry(config, OutputProjection::Own, parameters + 4096 * 320);
    QCOMPARE(own.total() - tied.total(), std::int64_t{4096 * 320});
    // What no matrix accounts for are two norms a layer and one at the end.
    QCOMPARE(tied.total(), static_cast<std::int64_t>(counted));
    QCOMPARE(tied.vectorParameters, std::int64_t{13 * 320});
  }

  void familiesDiffer() {
    model::ModelConfig config = test::config(8);
    const double gated = stageFlops(config, model::Stage::FfnGateUp, {.batch = 1, .positions = 100.0});
    const double all = stageFlops(config, model::Stage::AttentionDecode, {.batch = 1, .positions = 100.0});
    config.traits.feedForward = model::FeedForward::Plain;
    config.traits.windows = model::Windows::EvenLayers;
    config.slidingWindow = 25;
    QCOMPARE(stageFlops(config, model::Stage::FfnGateUp, {.batch = 1, .positions = 100.0}), gated / 2.0);
    // Two of four layers see a quarter.
    QCOMPARE(stageFlops(config, model::Stage::AttentionDecode, {.batch = 1, .positions = 100.0}),
             all * 0.625);
    QCOMPARE(weightGeometry(config, OutputProjection::Tied, 0).layer.size(), std::size_t{6});
  }

  void sumsOfSteps() {
    StepSummary sum;
    sum.add(test::step({.reuse = 8}, 9));
    sum.add(test::step({.reuse = 8}, 9));
    QCOMPARE(sum.stepCount, 2);
    QCOMPARE(sum.dispatchCount, 40);
    QCOMPARE(sum.kvReuseFactor(), 8.0);
    QCOMPARE(sum.overhead.totalMs(), 0.2);
    QVERIFY(std::abs(sum.wallTimeMs - sum.gpuTimeMs - sum.overhead.totalMs()) < 1e-12);
    double stages = 0.0;
    for (const double time : sum.stageTimeMs) stages += time;
    QVERIFY(std::abs(stages - sum.gpuTimeMs) < 1e-12);
    QCOMPARE(StepSummary{}.kvReuseFactor(), 0.0);
  }
};

QTEST_GUILESS_MAIN(TestRoofline)
#include "tst_roofline.moc"
