#include <QTest>

#include "core/analysis/step_bound.h"
#include "core/model/quantity.h"
#include "tests/analysis/synthetic_lanes.h"

using namespace headroom;
using namespace headroom::analysis;
using test::Costs;

namespace {

bool near(double a, double b, double relative = 1e-6) {
  return std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b));
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

/// What a step's time goes into, on lanes whose costs are known.
class TestStepBound : public QObject {
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
    row("compute", {.weights = 0.6}, 100, 64, Bound::Compute);
    // 10 MB in 0.24 ms beyond the dispatches are 42 GB/s: more than memory reaches, 42 % of what the caches
    // copy.
    row("cache", {.fixed = 0.01, .weights = 0.40, .perPosition = 0.0}, 100, 1, Bound::CacheResident);
    // The same bytes at 5 GB/s, 5 % of what the caches copy: neither bytes nor FLOPs explain that time.
    row("instructions", {.weights = 2.0}, 100, 1, Bound::Instructions);
    row("position 0", {.weights = 10.0, .weightBytes = 200'000'000}, 0, 1, Bound::Weights);
  }
  void classes() {
    QFETCH(Costs, costs);
    QFETCH(int, last);
    QFETCH(int, batch);
    QFETCH(int, bound);
    const LaneMeasurement lane = test::lane(8, costs, std::max(0, last - 40), last, {.batch = batch});
    QCOMPARE(static_cast<int>(boundOf(lane, test::ceilings())), bound);
    const std::string sentence = boundSentence(lane, test::ceilings());
    QVERIFY2(sentence.starts_with(boundName(boundOf(lane, test::ceilings()))), sentence.c_str());
    QVERIFY2(has(sentence, "KV is "), sentence.c_str());
    // The shares are the whole step.
    const TimeShares shares = timeShares(lane, test::ceilings());
    QVERIFY(near(shares.launchMs + shares.weightMs + shares.kvMs + shares.computeMs, lane.stepMs));
  }

  /// Stages and overhead add up to the median step, however single steps went: what one of them did is
  /// in no part.
  void partsAddUp() {
    std::vector<model::StepRecord> records = test::steps({}, 20, 60);
    for (std::size_t index = 0; index < records.size(); index += 3) {
      records[index].wallTimeMs += 50.0;
      records[index].overhead.submitMs += 50.0;
    }
    // The step of median time itself: one stage took what another did not.
    const double medianMs = measureLane(test::config(8), {}, records).stepMs;
    model::StepRecord& median = *std::ranges::find(records, medianMs, &model::StepRecord::wallTimeMs);
    const auto usual = stageMilliseconds(median);
    median.stages[0].gpuTimeMs += 0.05;
    median.stages[1].gpuTimeMs -= 0.05;
    const LaneMeasurement lane = measureLane(test::config(8), {}, records);
    QVERIFY(lane.stepMs < 5.0);
    QVERIFY(near(lane.stagesMs() + lane.overhead.totalMs(), lane.stepMs));
    for (std::size_t stage = 0; stage < usual.size(); ++stage)
      QVERIFY2(std::abs(lane.stageMs[stage] - usual[stage]) < 0.01, std::to_string(stage).c_str());
    // Bytes are the newest step's, and its position times the bytes of one is what it read.
    QCOMPARE(lane.positions, 61.0);
    QCOMPARE(lane.logical.kvRead, 61u * 8192u / 4u * 4u);
    QVERIFY(near(lane.impliedGBps(), static_cast<double>(lane.logical.total()) / lane.stepMs * 1e-6));
    QVERIFY(near(lane.tokensPerSecond(), 1000.0 / lane.stepMs));
  }

  /// Where only some steps have time stamps, which make them slower, a step is as long as the others are, and
  /// its parts are those of the timed ones, of earlier steps where there are none among those measured.
  void partsAreThoseOfTimedSteps() {
    std::vector<model::StepRecord> records = test::steps({}, 20, 60);
    const LaneMeasurement all = measureLane(test::config(8), {}, records);
    for (std::size_t index = 0; index < records.size(); ++index) {
      model::StepRecord& step = records[index];
      if (index % 8 == 0) {
        step.wallTimeMs *= 1.5;
        for (model::StageRecord& stage : step.stages) stage.gpuTimeMs *= 1.5;
        step.overhead.submitMs *= 1.5;
      } else {
        step.overhead.submitMs += step.gpuTimeMs();
        for (model::StageRecord& stage : step.stages) stage.gpuTimeMs = 0.0;
      }
    }
    const LaneMeasurement some = measureLane(test::config(8), {}, records);
    QCOMPARE(some.stepCount, 32);
    QCOMPARE(some.timedCount, 6);
    QVERIFY(some.stepMs < 1.02 * all.stepMs);
    QVERIFY(std::abs(some.timedStepMs / all.stepMs - 1.5) < 0.02);
    QVERIFY(near(some.stagesMs() + some.overhead.totalMs(), some.stepMs));
    for (std::size_t stage = 0; stage < all.stageMs.size(); ++stage)
      QVERIFY2(std::abs(some.stageMs[stage] - all.stageMs[stage]) < 0.02, std::to_string(stage).c_str());
    // Index 40 is timed, 33 to 39 are not.
    const std::span<const model::StepRecord> until39 = std::span(records).first(40);
    const LaneMeasurement few = measureLane(test::config(8), {}, until39.last(7), until39);
    QCOMPARE(few.stepCount, 7);
    QVERIFY(few.hasTimeStamps());
    QVERIFY(near(few.stagesMs() + few.overhead.totalMs(), few.stepMs));
    // Without any the time is there, its parts are not.
    const LaneMeasurement none = measureLane(test::config(8), {}, until39.last(7));
    QVERIFY(none.measured() && !none.hasTimeStamps() && none.timedCount == 0);
    QVERIFY(near(none.overhead.totalMs(), none.stepMs));
  }

  void sentenceHasTheNumbers() {
    // 20 dispatches x 10 us + 0.9 ms overhead = 1.1 of 1.65 ms. KV: 101 x 8,192 of 10,827,392 bytes = 7.6 %.
    const LaneMeasurement lane =
        test::lane(8, {.fixed = 0.9, .weights = 0.7, .attention = 0.05, .perPosition = 0.0}, 100, 100);
    QCOMPARE(boundSentence(lane, test::ceilings()),
             std::string("launch-bound: 20 dispatches and the overhead around them take 1.10 of 1.65 ms; KV "
                         "is 7.6 % of the issued bytes that a step reads."));
  }

  /// The share is of the bytes that bars show: of a kernel that loads each key and value for every query
  /// head, 8 x 827,392 of 16,619,136 issued bytes, not 827,392 of 10,827,392 logical ones.
  void theShareIsOfTheBytesShown() {
    std::vector<model::StepRecord> records = test::steps({.perPosition = 0.0, .reuse = 8}, 100, 100);
    const LaneMeasurement naive = measureLane(test::config(1), {}, records);
    QVERIFY(near(naive.kvShareOfReads(), 8 * 827'392.0 / (8 * 827'392.0 + 10e6)));
    QVERIFY2(has(boundSentence(naive, test::ceilings()), "KV is 40 % of the issued bytes"),
             boundSentence(naive, test::ceilings()).c_str());
    for (model::StepRecord& record : records) {
      for (model::StageRecord& stage : record.stages) stage.issued = {};
    }
    const LaneMeasurement processor = measureLane(test::config(1), {}, records);
    QVERIFY(near(processor.kvShareOfReads(), 827'392.0 / 10'827'392.0));
    QVERIFY(has(boundSentence(processor, test::ceilings()), "KV is 7.6 % of the logical bytes"));
  }

  void whatIsNotKnownIsSaid() {
    const LaneMeasurement lane = test::lane(8, {.perPosition = 0.004}, 20, 400);
    QCOMPARE(boundOf(lane, {}), Bound::Unknown);
    QVERIFY(has(boundSentence(lane, {}), "once this device's ceilings are measured"));
    std::vector<model::StepRecord> records = test::steps({.perPosition = 0.004}, 20, 400);
    for (model::StepRecord& record : records) {
      for (model::StageRecord& stage : record.stages) stage.gpuTimeMs = 0.0;
    }
    QVERIFY(
        has(boundSentence(measureLane(test::config(8), {}, records), test::ceilings()), "no time stamps"));
    // Of a processor nobody counts what it loads, and the ceilings are not its own.
    records = test::steps({.perPosition = 0.004}, 20, 400);
    for (model::StepRecord& record : records) {
      for (model::StageRecord& stage : record.stages) stage.issued = {};
    }
    QVERIFY(has(boundSentence(measureLane(test::config(8), {}, records), test::ceilings()),
                "runs on the processor"));
    QVERIFY(!measureLane(test::config(8), {}, {}).measured());
  }

  void aKernelBoundByItsInstructionsSaysSo() {
    const LaneMeasurement lane = test::lane(8, {.weights = 2.0}, 60, 100);
    const std::string sentence = boundSentence(lane, test::ceilings());
    QVERIFY2(has(sentence, "neither arithmetic nor memory is the limit"), sentence.c_str());
    QVERIFY2(has(sentence, " % of the FMA probe"), sentence.c_str());
    // The share that the lane shows beside it: what the whole step reads over its time, of 100 GB/s.
    const double percent = static_cast<double>(lane.logical.total()) / lane.stepMs * 1e-6;
    const std::string share = "the step reads at " + model::fixedText(percent, 0) + " % of the read ceiling";
    QVERIFY2(has(sentence, share), sentence.c_str());
  }
};

QTEST_GUILESS_MAIN(TestStepBound)
#include "tst_step_bound.moc"
