#include <QtTest>
#include <random>

#include "core/analysis/verdict.h"
#include "tests/analysis/synthetic_lanes.h"

using namespace headroom;
using namespace headroom::analysis;
using test::Costs;

namespace {

bool near(double a, double b, double relative = 1e-6) {
  return std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b));
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

class TestVerdict : public QObject {
  Q_OBJECT

 private slots:
  void classes_data() {
    QTest::addColumn<Costs>("costs");
    QTest::addColumn<int>("last");
    QTest::addColumn<int>("batch");
    QTest::addColumn<int>("bound");
    const auto row = [](const char* name, const Costs& costs, int last, int batch, Bound bound) {
      QTest::newRow(name) << costs << last << batch << static_cast<int>(bound);
    };
    // 20 dispatches of 10 us are 0.2 ms; 0.9 ms of overhead with them are more than the 0.5 ms that follow.
    row("launch", {.fixed = 0.9, .weights = 0.6, .perPosition = 0.0001}, 100, 1, Bound::Launch);
    // 200 MB from memory at 20 GB/s take 10 ms.
    row("weights", {.weights = 10.0, .weightBytes = 200'000'000}, 100, 1, Bound::Weights);
    // 400 positions x 1 MB = 400 MB in 20 ms against 100 MB in 5 ms.
    row("KV",
        {.weights = 5.0, .perPosition = 0.05, .weightBytes = 100'000'000, .kvBytesPerPosition = 1'000'000},
        399, 1, Bound::Kv);
    // Batch 64: 64 x 2 x 2.23 M weights (all but embedding, logits not run) = 286 MFLOP, 0.29 ms at the FMA
    // ceiling, against 10 MB at 100 GB/s, 0.1 ms.
    row("compute", {.weights = 2.0}, 100, 64, Bound::Compute);
    // 10 MB in 0.24 ms beyond the dispatches are 42 GB/s: more than memory copies, 42 % of what the caches
    // copy.
    row("cache", {.fixed = 0.01, .weights = 0.40, .perPosition = 0.0}, 100, 1, Bound::CacheResident);
    // The same bytes at 5 GB/s, 5 % of what the caches copy: neither bytes nor FLOPs explain that time.
    row("instructions", {.weights = 2.0}, 100, 1, Bound::Compute);
    row("position 0", {.weights = 10.0, .weightBytes = 200'000'000}, 0, 1, Bound::Weights);
  }
  void classes() {
    QFETCH(Costs, costs);
    QFETCH(int, last);
    QFETCH(int, batch);
    QFETCH(int, bound);
    const LaneMeasurement lane = test::lane(8, costs, std::max(0, last - 40), last, {.batch = batch});
    QCOMPARE(static_cast<int>(boundOf(lane, test::ceilings())), bound);
    const Verdict verdict = judge(std::span(&lane, 1), test::ceilings());
    QVERIFY2(verdict.sentence.starts_with(boundName(verdict.bound)), verdict.sentence.c_str());
    QVERIFY2(has(verdict.sentence, "KV is "), verdict.sentence.c_str());
    QVERIFY(!verdict.outlookSentence.empty());
    // The shares are the whole step.
    const TimeShares shares = timeShares(lane, test::ceilings());
    QVERIFY(near(shares.launchMs + shares.weightMs + shares.kvMs + shares.computeMs, lane.wallMs()));
    qInfo("%s %s", verdict.sentence.c_str(), verdict.outlookSentence.c_str());
  }

  void sentenceHasTheNumbers() {
    // 20 dispatches x 10 us + 0.9 ms overhead = 1.1 of 1.65 ms. KV: 101 x 8,192 of 10,827,392 bytes = 7.6 %.
    const LaneMeasurement lane =
        test::lane(8, {.fixed = 0.9, .weights = 0.7, .attention = 0.05, .perPosition = 0.0}, 100, 100);
    const Verdict verdict = judge(std::span(&lane, 1), test::ceilings());
    QCOMPARE(verdict.sentence,
             std::string("launch-bound: 20 dispatches and the overhead around them take 1.10 of 1.65 ms; KV "
                         "is 7.6 % of what a step reads."));
  }

  void withoutCeilingsTheTimesStillTell() {
    const LaneMeasurement wide = test::lane(8, {.perPosition = 0.004}, 20, 400);
    const LaneMeasurement narrow = test::lane(1, {.perPosition = 0.001}, 20, 400);
    const std::vector<LaneMeasurement> lanes{narrow, wide};
    const Verdict verdict = judge(lanes, {});
    QCOMPARE(verdict.lane, 1);
    QCOMPARE(verdict.bound, Bound::Unknown);
    QVERIFY2(has(verdict.sentence, "once this device's ceilings are measured"), verdict.sentence.c_str());
    QVERIFY(verdict.outlook);
    QCOMPARE(verdict.outlook->basis, Basis::Measured);
    QVERIFY(near(verdict.outlook->limit, 4.0, 0.01));
  }

  void withoutTimeStamps() {
    std::vector<model::StepRecord> records = test::steps({.perPosition = 0.004}, 20, 400);
    for (model::StepRecord& record : records) {
      for (model::StageRecord& stage : record.stages) stage.gpuTimeMs = 0.0;
    }
    const LaneMeasurement lane = measureLane(test::config(8), {}, records);
    const Verdict verdict = judge(std::span(&lane, 1), test::ceilings());
    QCOMPARE(verdict.bound, Bound::Unknown);
    QVERIFY2(has(verdict.sentence, "no time stamps"), verdict.sentence.c_str());
    // Wall time grows with the same slope.
    const auto cost = stepCost(lane, test::ceilings());
    QVERIFY(cost && near(cost->perCellMs, 0.004, 0.01));
  }

  /// Fails where a lane of the processor is measured by the device's ceilings, or compared with its lanes.
  void aLaneOfTheProcessorIsNotJudgedByTheDevice() {
    std::vector<model::StepRecord> records = test::steps({.perPosition = 0.004}, 20, 400);
    for (model::StepRecord& record : records) {
      for (model::StageRecord& stage : record.stages) stage.issued = {};
    }
    const LaneMeasurement onProcessor = measureLane(test::config(8), {.kvType = model::KvType::F64}, records);
    const Verdict alone = judge(std::span(&onProcessor, 1), test::ceilings());
    QCOMPARE(alone.lane, 0);
    QCOMPARE(alone.bound, Bound::Unknown);
    QVERIFY2(has(alone.sentence, "runs on the processor"), alone.sentence.c_str());
    QVERIFY(!alone.outlook);
    // Beside a lane of the device, that one is judged, and against a computed layout.
    const LaneMeasurement onDevice = test::lane(2, {}, 20, 400);
    const std::vector<LaneMeasurement> both{onProcessor, onDevice};
    const Verdict verdict = judge(both, test::ceilings());
    QCOMPARE(verdict.lane, 1);
    QVERIFY(verdict.bound != Bound::Unknown && verdict.outlook);
    QCOMPARE(verdict.outlook->basis, Basis::Computed);
  }

  void nothingWithoutSteps() {
    const LaneMeasurement empty = measureLane(test::config(8), {}, {});
    QCOMPARE(judge(std::span(&empty, 1), test::ceilings()).lane, -1);
    QVERIFY(judge({}, test::ceilings()).sentence.empty());
    QVERIFY(!stepCost(empty, test::ceilings()));
  }

  void slopeIsFoundInNoise() {
    std::mt19937 random(7);
    std::normal_distribution<double> noise(0.0, 0.05);
    std::vector<AttentionSample> samples;
    for (int position = 10; position < 500; ++position) {
      const double disturbed = position % 37 == 0 ? 5.0 : 0.0;  // another process for a moment
      samples.push_back({position + 1.0, 0.2 + 0.002 * position + noise(random) + disturbed});
    }
    const auto slope = attentionSlope(samples);
    QVERIFY(slope && near(*slope, 0.002, 0.1));
    // No slope in noise alone, in a short span, or in few samples.
    std::vector<AttentionSample> flat;
    for (int position = 10; position < 500; ++position) flat.push_back({position + 1.0, 0.2 + noise(random)});
    QVERIFY(!attentionSlope(flat));
    QVERIFY(!attentionSlope(std::span(samples).last(100)));
    QVERIFY(!attentionSlope(std::span(samples).first(5)));
  }

  void costOfKnownLane() {
    // wall = 0.1 overhead + 2.0 weights + 0.04 + 0.001 x T. The probes explain 0.1 + 20 x 0.01 + 10 MB of
    // weights at the copy rate; what is left goes with the batch, here 4.
    const LaneMeasurement lane = test::lane(8, {.weights = 2.0}, 20, 400, {.batch = 4});
    const auto cost = stepCost(lane, test::ceilings());
    QVERIFY(cost);
    QCOMPARE(cost->basis, Basis::Measured);
    QVERIFY(near(cost->perCellMs, 0.001 / 4, 0.01));
    const double copy = test::ceilings().copyAt(lane.workingSetBytes());
    const double explained = 0.1 + 0.2 + 10.0 / copy;
    QVERIFY(near(cost->fixedMs, explained));
    QVERIFY(near(cost->perSequenceMs, (2.14 - explained) / 4, 0.01));
    QVERIFY(near(cost->milliseconds(4, lane.positions), lane.wallMs()));
  }

  void costWithoutASlopeIsComputedOrAnchored() {
    // One short stretch: no slope is seen, so it is bytes over the copy rate.
    const LaneMeasurement brief = test::lane(8, {}, 10, 12);
    const auto computed = stepCost(brief, test::ceilings());
    QVERIFY(computed);
    QCOMPARE(computed->basis, Basis::Computed);
    const double copy = test::ceilings().copyAt(brief.workingSetBytes());
    QVERIFY(near(computed->perCellMs, 8192.0 / copy * 1e-6));
    QVERIFY(!stepCost(brief, {}));
    // A stretch at 4,000 positions: what attention takes beyond its 4 dispatches.
    const LaneMeasurement filled = test::lane(8, {.attention = 0.04}, 4000, 4040);
    const auto anchored = stepCost(filled, test::ceilings());
    QVERIFY(anchored);
    QCOMPARE(anchored->basis, Basis::Measured);
    QVERIFY(near(anchored->perCellMs, 0.001));
  }

  void anotherLayoutIsComputedFromBytes() {
    LaneMeasurement lane = test::lane(8, {}, 20, 400);
    const double bytesMs = 8192.0 / test::ceilings().copyAt(lane.workingSetBytes()) * 1e-6;
    // The copy probe explains half of the time: it goes with the bytes.
    const StepCost cost{.fixedMs = 1.0, .perSequenceMs = 0.5, .perCellMs = 2.0 * bytesMs};
    const StepCost mqa = withKvHeads(cost, lane, 1, test::ceilings());
    QVERIFY(near(mqa.perCellMs, 2.0 * bytesMs / 8.0));
    // It explains a tenth: only that tenth goes with the bytes.
    const StepCost slow{.perCellMs = 10.0 * bytesMs};
    QVERIFY(near(withKvHeads(slow, lane, 1, test::ceilings()).perCellMs, (9.0 + 1.0 / 8.0) * bytesMs));
    QCOMPARE(mqa.fixedMs, 1.0);
    QCOMPARE(mqa.basis, Basis::Computed);
    // 4 layers x 4 x 8 x 32 = 4,096 FLOPs per cell at 1,000 GFLOP/s: no faster than that.
    const StepCost quick{.perCellMs = 8e-6};
    QVERIFY(near(withKvHeads(quick, lane, 1, test::ceilings()).perCellMs, 4096e-9));
    // A layout with fewer KV heads is never computed to be slower, whatever a disturbed probe says.
    model::DeviceCeilings disturbed = test::ceilings();
    disturbed.fmaGflops = 0.01;
    QVERIFY(near(withKvHeads(cost, lane, 1, disturbed).perCellMs, cost.perCellMs));
    lane.options.attention = model::AttentionKernel::Naive;
    QVERIFY(near(withKvHeads(cost, lane, 1, test::ceilings()).perCellMs, cost.perCellMs));
  }

  void pointsWhereSharingPays() {
    const Surroundings here{.now = {1, 100}, .modelContext = 512, .bytesPerPosition = 8192};
    // Fixed 2 ms, 0.008 against 0.001 ms per position, nothing per sequence. At batch B and 448 positions:
    // (2 + 3.584 B) / (2 + 0.448 B); 1.5 needs B = 0.343.., 2 needs B = 0.75: batch 1 does.
    const StepCost wide{.fixedMs = 2.0, .perCellMs = 0.008};
    const StepCost narrow{.fixedMs = 2.0, .perCellMs = 0.001};
    QCOMPARE(pointWhere(2.0, wide, narrow, here, {}), std::optional(OperatingPoint{1, 448}));
    QCOMPARE(pointWhere(4.0, wide, narrow, here, {}), std::optional(OperatingPoint{4, 448}));
    // (2 + 0.8) / (2 + 0.1) = 1.33 is reached where we are.
    QCOMPARE(pointWhere(1.3, wide, narrow, here, {}), std::optional(OperatingPoint{1, 100}));
    QVERIFY(!pointWhere(8.5, wide, narrow, here, {}));

    // Each sequence costs 4 ms: no batch helps, 2 x needs T (0.008 - 0.002) = 2 x 6 - 6, T = 1,000.
    const StepCost slowWide{.fixedMs = 2.0, .perSequenceMs = 4.0, .perCellMs = 0.008};
    const StepCost slowNarrow{.fixedMs = 2.0, .perSequenceMs = 4.0, .perCellMs = 0.001};
    QCOMPARE(pointWhere(2.0, slowWide, slowNarrow, here, {}), std::optional(OperatingPoint{1, 1000}));
    // 1.5: batch 1 gives 9.584 / 6.448 = 1.49, batch 2 gives 17.168 / 10.896 = 1.58; without batches T is
    // 3 / 0.0065 = 461.5, in two digits 470.
    QVERIFY(pointWhere(1.5, slowWide, slowNarrow, here, {}) == OperatingPoint({2, 448}));
    QVERIFY(pointWhere(1.5, slowWide, slowNarrow, here, {.maximumBatch = 1}) == OperatingPoint({1, 470}));
    QVERIFY(!pointWhere(2.0, slowWide, slowNarrow, here, {.maximumPositions = 900}));
    QVERIFY(!pointWhere(2.0, slowWide, slowNarrow, here, {.maximumCacheBytes = 8'000'000}));
  }

  void pointsHoldWhatTheyPromise() {
    const LaneMeasurement wide = test::lane(8, {.perPosition = 0.004}, 20, 400);
    const LaneMeasurement narrow =
        test::lane(1, {.perPosition = 0.0005, .kvBytesPerPosition = 1024}, 20, 400);
    const std::vector<LaneMeasurement> lanes{wide, narrow};
    const Verdict verdict = judge(lanes, test::ceilings());
    QVERIFY(verdict.outlook && verdict.outlook->reached[1]);
    QCOMPARE(verdict.outlook->basis, Basis::Measured);
    const OperatingPoint point = *verdict.outlook->reached[1];
    QCOMPARE(point.batch, 1);
    // The synthetic lanes really take these times there.
    const auto wall = [&](double perPosition) { return 0.1 + 1.0 + 0.04 + perPosition * point.positions; };
    QVERIFY(wall(0.004) >= 2.0 * wall(0.0005));
    QVERIFY(has(verdict.outlookSentence, "measured in both lanes"));
    // Now: positions 370 to 401, mean 385.5.
    QVERIFY(near(verdict.outlook->speedup, (1.14 + 0.004 * 385.5) / (1.14 + 0.0005 * 385.5), 2e-3));
    QVERIFY(near(verdict.outlook->bytesRatio, (1e7 + 8192 * 385.5) / (1e7 + 1024 * 385.5), 1e-6));
  }

  void naiveCannotReachAnything() {
    const LaneMeasurement lane =
        test::lane(8, {.perPosition = 0.004}, 20, 400, {.attention = model::AttentionKernel::Naive});
    const Verdict verdict = judge(std::span(&lane, 1), test::ceilings());
    QVERIFY(verdict.outlook && near(verdict.outlook->limit, 1.0));
    QVERIFY(!verdict.outlook->reached[0]);
    QVERIFY2(has(verdict.outlookSentence, "cannot reach 1.5\u00d7 on this device: its limit is 1.00\u00d7"),
             verdict.outlookSentence.c_str());
  }

  void oneKvHeadIsJudgedAgainstOnePerQueryHead() {
    const LaneMeasurement lane = test::lane(1, {.perPosition = 0.001, .kvBytesPerPosition = 1024}, 20, 400);
    const Verdict verdict = judge(std::span(&lane, 1), test::ceilings());
    QVERIFY(verdict.outlook);
    QCOMPARE(verdict.outlook->wideKvHeads, 8);
    QCOMPARE(verdict.outlook->narrowKvHeads, 1);
    QCOMPARE(verdict.outlook->basis, Basis::Computed);
    QVERIFY(near(verdict.outlook->bytesRatio, (1e7 + 8 * 1024 * 385.5) / (1e7 + 1024 * 385.5)));
    // 1 GB/s is 1 % of what the caches copy: seven more heads cost the copy of their bytes.
    const double wide = 0.001 + 7.0 * 1024.0 / test::ceilings().copyAt(lane.workingSetBytes()) * 1e-6;
    QVERIFY(near(verdict.outlook->speedup, (1.14 + wide * 385.5) / (1.14 + 0.001 * 385.5), 1e-3));
  }

  void onlyLikeIsComparedWithLike() {
    const LaneMeasurement wide = test::lane(8, {.perPosition = 0.004}, 20, 400);
    const LaneMeasurement otherBatch = test::lane(1, {.perPosition = 0.0001}, 20, 400, {.batch = 8});
    const std::vector<LaneMeasurement> lanes{wide, otherBatch};
    const Verdict verdict = judge(lanes, test::ceilings());
    QCOMPARE(verdict.outlook->basis, Basis::Computed);
    // The lane of batch 8 would say 40; alone, the copy of seven heads' bytes is what can be saved.
    const double saved = 7.0 * 1024.0 / test::ceilings().copyAt(wide.workingSetBytes()) * 1e-6;
    QVERIFY(near(verdict.outlook->limit, 0.004 / (0.004 - saved), 1e-3));
  }

  void aKernelBoundByItsInstructionsSaysSo() {
    const LaneMeasurement lane = test::lane(8, {.weights = 2.0}, 60, 100);
    const Verdict verdict = judge(std::span(&lane, 1), test::ceilings());
    QVERIFY2(has(verdict.sentence, "neither arithmetic nor memory is the limit"), verdict.sentence.c_str());
    QVERIFY2(has(verdict.sentence, " % of the FMA probe"), verdict.sentence.c_str());
    // 10 MB of weights and 70 to 101 cached positions in 1.84 ms beyond the dispatches of their stages.
    const TimeShares shares = timeShares(lane, test::ceilings());
    QVERIFY(near(shares.computeBytes, 10e6 + 8192 * 85.5, 1e-6));
  }
};

QTEST_GUILESS_MAIN(TestVerdict)
#include "tst_verdict.moc"
