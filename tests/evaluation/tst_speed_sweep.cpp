#include <QTest>
#include <algorithm>

#include "core/evaluation/speed_sweep.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;
using namespace headroom::evaluation;
using analysis::OperatingPoint;

namespace {

/// A layout whose step takes 2 ms and 1 us for each position, sequence and KV head.
SweepSubject subject(const std::string& name, int kvHeads, model::AttentionKernel kernel) {
  return {.curve = {.name = name, .attention = {8, kvHeads, 16}, .kernel = kernel},
          .open = [kvHeads, kernel](int positions, int batch) {
            lanes::LaneEngine engine;
            engine.decoder = std::make_unique<test::FakeDecoder>(
                test::FakeLane{.kvHeadCount = kvHeads, .msPerCell = 0.001},
                model::DecoderOptions{.contextLength = positions + 128, .batch = batch, .attention = kernel});
            return engine;
          }};
}

const auto kNever = [] { return false; };
constexpr auto kShared = model::AttentionKernel::Shared;
constexpr auto kNaive = model::AttentionKernel::Naive;

}  // namespace

class TestSpeedSweep : public QObject {
  Q_OBJECT

 private slots:
  void everyPointOfEverySubjectIsMeasured() {
    std::vector<double> shares;
    int pointsDone = 0;
    const SweepResult result = sweepSpeed(
        {subject("MHA", 8, kShared), subject("MQA", 1, kShared), subject("MQA", 1, kNaive)},
        {.points = {{1, 256}, {1, 1024}, {4, 1024}}, .rounds = 3, .warmUpMs = 5.0, .roundMs = 20.0},
        {.progress = [&](double share, const OperatingPoint&) { shares.push_back(share); },
         .pointDone = [&](const analysis::SpeedMap&) { ++pointsDone; },
         .stop = kNever});
    QVERIFY(result.map.isComplete && result.skipped.empty());
    QCOMPARE(pointsDone, 3);
    QCOMPARE(shares.size(), 3u);
    QVERIFY(std::ranges::is_sorted(shares) && shares.back() < 1.0);
    QCOMPARE(result.map.curves.size(), 3u);
    const auto& [mha, mqa, naive] =
        std::tie(result.map.curves[0], result.map.curves[1], result.map.curves[2]);
    for (const analysis::SpeedCurve& curve : result.map.curves) {
      QCOMPARE(curve.points.size(), 3u);
      for (const analysis::SpeedPoint& point : curve.points) QCOMPARE(point.roundMs.size(), 3u);
    }
    // Behind 1,024 positions of 4 sequences: some 34.8 + ms against 6.1 + ms; rounds decode a few positions
    // more.
    const auto speedup = analysis::measuredSpeedup(mha, mqa, {4, 1024});
    QVERIFY(speedup && std::abs(speedup->median - (2.0 + 32.8) / (2.0 + 4.1)) < 0.1);
    // The naive kernel reads each key for every query head: what MHA reads.
    const auto kernels = analysis::measuredSpeedup(naive, mha, {1, 1024});
    QVERIFY(kernels && std::abs(kernels->median - 1.0) < 0.02);
  }

  void stoppingKeepsWholePoints() {
    bool stopped = false;
    const SweepResult result = sweepSpeed(
        {subject("MHA", 8, kShared), subject("MQA", 1, kShared)},
        {.points = {{1, 64}, {1, 128}, {1, 256}}, .rounds = 2, .warmUpMs = 1.0, .roundMs = 5.0},
        {.progress = {},
         .pointDone = [&](const analysis::SpeedMap& map) { stopped = map.curves[0].points.size() == 2; },
         .stop = [&] { return stopped; }});
    QVERIFY(!result.map.isComplete);
    for (const analysis::SpeedCurve& curve : result.map.curves) QCOMPARE(curve.points.size(), 2u);
  }

  void aPointThatDoesNotFitIsLeftOutForAll() {
    SweepSubject greedy = subject("MHA", 8, kShared);
    greedy.open = [open = greedy.open](int positions, int batch) {
      if (batch > 1) throw model::Error("MHA needs 3 GB, 2 GB are free");
      return open(positions, batch);
    };
    const SweepResult result =
        sweepSpeed({subject("MQA", 1, kShared), greedy},
                   {.points = {{1, 64}, {4, 64}, {1, 128}}, .rounds = 1, .warmUpMs = 1.0, .roundMs = 5.0},
                   {.progress = {}, .pointDone = {}, .stop = kNever});
    QVERIFY(result.map.isComplete);
    QCOMPARE(result.skipped, std::vector<std::string>{"MHA needs 3 GB, 2 GB are free"});
    for (const analysis::SpeedCurve& curve : result.map.curves) QCOMPARE(curve.points.size(), 2u);
  }

  void pointsSpanTheContexts() {
    const auto points = sweepPoints(1, 4096, 15'360, 1ull << 30);
    std::vector<int> contexts;
    for (const OperatingPoint& point : points) {
      if (point.batch == 1) contexts.push_back(point.positions);
    }
    QCOMPARE(contexts, (std::vector<int>{256, 512, 1024, 2048, 4096}));
    QVERIFY(std::ranges::any_of(points, [](const OperatingPoint& point) { return point.batch == 4; }));
    // A short model still gives five, a small memory shorter ones.
    QVERIFY(std::ranges::count(sweepPoints(1, 400, 15'360, 1ull << 30), 1, &OperatingPoint::batch) >= 5);
    for (const OperatingPoint& point : sweepPoints(1, 16384, 15'360, 20'000'000))
      QVERIFY(point.batch * (point.positions + StepTimer::kMostSteps) * 15'360ll <= 20'000'000ll);
  }
};

QTEST_GUILESS_MAIN(TestSpeedSweep)
#include "tst_speed_sweep.moc"
