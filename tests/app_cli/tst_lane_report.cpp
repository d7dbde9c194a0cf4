#include <QTest>

#include "app/cli/lane_report.h"
#include "core/model/trace_decoder.h"
#include "tests/support/random_model.h"
#include "tests/support/uploaded_decoder.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;

/// What a lane's times mean.
class TstLaneReport : public QObject {
  Q_OBJECT

 private:
  struct Told {
    cli::LaneRun run;
    lanes::LaneSet::Lane lane;

    nlohmann::ordered_json timing() const { return cli::laneDocument(run, lane, std::nullopt)["timing"]; }
    std::string summary() const { return cli::laneSummary(run, lane); }
  };

  static Told lane(const std::vector<double>& stepMs) {
    model::Trace trace{.name = "trace", .writer = "a test", .tokens = {1, 2, 3}};
    trace.config.layerCount = 1;
    trace.config.vocabSize = 9;
    trace.config.contextLength = 3;
    trace.config.attention = {.queryHeadCount = 2, .kvHeadCount = 1, .headDim = 8};
    trace.attention.resize(1);
    Told told{.run = {}, .lane = {.engine = {}, .sampler = model::Sampler({})}};
    told.lane.engine.decoder = std::make_unique<model::TraceDecoder>(std::move(trace));
    told.lane.text = {1, 2};
    told.lane.promptLength = 2;
    told.run.setupMs = 100.0;
    told.run.prefill = told.lane.engine.decoder->run(told.lane.text, model::Capture::none());
    told.run.prefill.front().wallTimeMs = 30.0;
    told.run.prefill.front().overhead = {.prepareMs = 13.0, .setupMs = 12.0};
    for (double ms : stepMs) {
      told.lane.text.push_back(3);
      told.run.steps.push_back({.tokens = {3}, .position = 2, .wallTimeMs = ms});
    }
    return told;
  }

 private slots:
  void setUpIsApart() {
    const auto timing = lane({40.0, 10.0, 10.0}).timing();
    QCOMPARE(timing["prefill_ms"].get<double>(), 18.0);
    QCOMPARE(timing["setup_ms"].get<double>(), 112.0);
    QVERIFY(lane({40.0}).summary().find("set-up 112.0 ms, prefill 18.0 ms") != std::string::npos);
  }

  void theFirstStepIsLeftOut() {
    const auto timing = lane({40.0, 10.0, 15.0}).timing();
    QCOMPARE(timing["tokens_per_second"].get<double>(), 80.0);  // 2 tokens in 25 ms
    QCOMPARE(timing["decode_ms"].get<double>(), 65.0);
    QCOMPARE(timing["first_step_ms"].get<double>(), 40.0);
  }

  void withoutASecondStepThereIsNoRate() {
    QVERIFY(lane({40.0}).timing()["tokens_per_second"].is_null());
    QVERIFY(lane({}).timing()["tokens_per_second"].is_null());
    QVERIFY(lane({}).timing()["first_step_ms"].is_null());
    QVERIFY(lane({40.0}).summary().find("– tokens/s") != std::string::npos);
  }

  /// Without any kept code, what the driver makes at a kernel's first use is set-up, too: it takes lavapipe
  /// a hundred times as long as running the prompt.
  void theFirstPromptWaitsForNoDriver() {
    qputenv("MESA_SHADER_CACHE_DISABLE", "true");
    qputenv("MESA_GLSL_CACHE_DISABLE", "true");
    tests::VulkanDevice vulkan;
    const model::Model model = tests::randomModel(
        tests::smallConfig({.queryHeadCount = 4, .kvHeadCount = 2, .headDim = 16}), tests::Output::Tied);
    tests::UploadedDecoder decoder(vulkan.device, model, {});
    const std::vector<int> tokens{1, 2, 3};
    const model::StepRecord prompt = decoder.run(tokens, model::Capture::none()).front();
    QVERIFY(prompt.wallTimeMs - prompt.overhead.setupMs < prompt.overhead.setupMs / 3);
    QVERIFY2(vulkan.firstValidationError().empty(), vulkan.firstValidationError().c_str());
  }

  /// Kernels for several tokens and the commands of a length are made once, and counted there.
  void theEngineSaysWhatItMade() {
    tests::VulkanDevice vulkan;
    const model::Model model = tests::randomModel(
        tests::smallConfig({.queryHeadCount = 4, .kvHeadCount = 2, .headDim = 16}), tests::Output::Tied);
    tests::UploadedDecoder decoder(vulkan.device, model, {});
    const std::vector<int> tokens{1, 2, 3};
    const model::Overhead first = decoder.run(tokens, model::Capture::none()).front().overhead;
    decoder.truncate(0);
    const model::Overhead again = decoder.run(tokens, model::Capture::none()).front().overhead;
    QVERIFY(first.setupMs > 0.1);
    QVERIFY(first.setupMs <= first.prepareMs);
    QVERIFY(again.setupMs < first.setupMs / 10);
  }
};

QTEST_GUILESS_MAIN(TstLaneReport)
#include "tst_lane_report.moc"
