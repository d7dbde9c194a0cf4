#include <fmt/format.h>

#include <QTest>
#include <chrono>

#include "core/formats/gguf/gguf_model.h"
#include "core/model/statistics.h"
#include "tests/engine/kernel_harness.h"
#include "tests/support/uploaded_decoder.h"

using namespace headroom;
using namespace headroom::tests;
using model::Capture;

/// Times of a step by clocks that know nothing of each other: the device's time stamps, the host's clock
/// around each part of run(), and this test's own around the whole of it. No time itself is asserted.
class TestStepTimes : public QObject {
  Q_OBJECT

 private:
  TestDevice m_gpu;

  struct Timed {
    model::StepRecord record;
    double wallMs = 0.0;  ///< by this test
  };

  static Timed timed(model::Decoder& decoder, std::span<const int> tokens) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<model::StepRecord> records = decoder.run(tokens, Capture::everything());
    Timed result;
    result.wallMs =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    result.record = std::move(records.front());
    return result;
  }

 private slots:
  void initTestCase() {
    if (m_gpu.device.info().timestampPeriodNs == 0.0) QSKIP("This device has no time stamps.");
  }
  void cleanup() { QCOMPARE(m_gpu.firstValidationError(), std::string()); }

  /// The device cannot have worked longer than the host waited for it: fails with a tick that is taken for
  /// longer than it is, and where bits above the valid ones count. Nor much shorter, since stages follow each
  /// other without a gap: fails with a tick taken for shorter, and where dispatches of a stage are left out.
  /// The parts by the host's clock are the whole by this test's: fails where one is left out or counted
  /// twice (reading attention back is a fifteenth of the prefill).
  void clocksAgree_data() {
    QTest::addColumn<int>("tokens");
    QTest::addColumn<double>("leastShare");  // of the time waited that the stages took
    QTest::newRow("prefill blocks") << 64 << 0.8;
    QTest::newRow("decode steps") << 1 << 0.5;
  }
  void clocksAgree() {
    QFETCH(int, tokens);
    QFETCH(double, leastShare);
    const model::Model model = formats::loadGguf(HEADROOM_SOURCE_DIR "/assets/models/mha.gguf");
    UploadedDecoder decoder(m_gpu.device, model, {});
    const std::vector<int> fed(static_cast<std::size_t>(tokens), 7);
    decoder.run(std::vector<int>(200, 3), Capture::none());
    timed(decoder, fed);  // records the commands
    std::vector<double> shares;
    std::vector<double> accounted;
    const int rounds = tokens == 1 ? 31 : 3;
    for (int round = 0; round < rounds; ++round) {
      const auto [record, wallMs] = timed(decoder, fed);
      const model::Overhead& overhead = record.overhead;
      QVERIFY(overhead.prepareMs >= 0.0 && overhead.readBackMs > 0.0);
      for (const model::StageRecord& stage : record.stages) QVERIFY(stage.gpuTimeMs > 0.0);
      const std::string times = fmt::format("stages {:.3f} ms of {:.3f} waited, {:.3f} in all",
                                            record.gpuTimeMs(), record.deviceMs, wallMs);
      QVERIFY2(record.gpuTimeMs() <= record.deviceMs, times.c_str());
      QVERIFY2(record.wallTimeMs <= wallMs, times.c_str());
      shares.push_back(record.gpuTimeMs() / record.deviceMs);
      accounted.push_back((overhead.prepareMs + record.deviceMs + overhead.readBackMs) / wallMs);
    }
    QVERIFY2(model::median(shares) >= leastShare,
             fmt::format("stages are {:.2f} of the wait", model::median(shares)).c_str());
    QVERIFY2(std::abs(model::median(accounted) - 1.0) <= 0.03,
             fmt::format("the parts are {:.3f} of the whole", model::median(accounted)).c_str());
    qInfo("stages are %.3f of the wait, the parts %.3f of the whole", model::median(shares),
          model::median(accounted));
  }

  /// The stages of a step, in order, are those that a step has.
  void everyStageHasItsTime() {
    const model::Model model = randomModel(smallConfig({8, 1, 32}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const int token = 5;
    const model::StepRecord record = decoder.run(std::span(&token, 1), Capture::none())[0];
    QCOMPARE(std::ssize(record.stages), 2 + 5 * 2);
    QCOMPARE(record.stages.front().stage, model::Stage::Embedding);
    QCOMPARE(record.stages.back().stage, model::Stage::Logits);
    for (const model::StageRecord& stage : record.stages) QVERIFY(stage.gpuTimeMs > 0.0);
  }

  /// Fails where a step that nobody times has times, of an earlier step say, or where timing changes what is
  /// decoded.
  void stagesThatNobodyTimesHaveNoTimes() {
    const model::Model model = randomModel(smallConfig({8, 1, 32}), Output::Tied);
    UploadedDecoder decoder(m_gpu.device, model, {});
    const int token = 5;
    std::vector<std::vector<float>> logits;
    for (const bool times : {true, false, true}) {
      decoder.truncate(0);
      const model::StepRecord record =
          decoder.runTokens(std::span(&token, 1), {.timesStages = times}).front();
      QCOMPARE(std::ssize(record.stages), 2 + 5 * 2);
      for (const model::StageRecord& stage : record.stages) QCOMPARE(stage.gpuTimeMs > 0.0, times);
      QVERIFY(record.deviceMs > 0.0);
      logits.emplace_back(decoder.logits().begin(), decoder.logits().end());
    }
    QCOMPARE(logits[1], logits[0]);
    QCOMPARE(logits[2], logits[0]);
  }

  /// A stage with more to do takes a larger share of its step: fails where times go to another stage. With
  /// 128 times the columns, the FFN's two stages are most of the step.
  void timesGoToTheStageThatTookThem() {
    const auto share = [&](int ffnDim) {
      model::ModelConfig config = smallConfig({4, 4, 16});
      config.ffnDim = ffnDim;
      const model::Model model = randomModel(config, Output::Tied);
      UploadedDecoder decoder(m_gpu.device, model, {});
      const std::vector<int> tokens(32, 5);
      decoder.run(tokens, Capture::none());
      std::vector<double> shares;
      for (int round = 0; round < 9; ++round) {
        decoder.truncate(0);
        const model::StepRecord record = decoder.run(tokens, Capture::none()).front();
        double ffn = 0.0;
        for (const model::StageRecord& stage : record.stages) {
          const bool isFfn = stage.stage == model::Stage::FfnGateUp || stage.stage == model::Stage::FfnDown;
          if (isFfn) ffn += stage.gpuTimeMs;
        }
        shares.push_back(ffn / record.gpuTimeMs());
      }
      return model::median(shares);
    };
    const double small = share(96);
    const double large = share(12288);
    QVERIFY2(large > 0.5 && large > small, fmt::format("{:.2f}, small {:.2f}", large, small).c_str());
  }
};

QTEST_GUILESS_MAIN(TestStepTimes)
#include "tst_step_times.moc"
