#include <QTest>
#include <algorithm>
#include <limits>
#include <vector>

#include "app/session/trace_store.h"
#include "core/analysis/lane_measurement.h"

using namespace headroom;
using model::Stage;

namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
/// 32 layers of five stages, embedding and logits.
constexpr int kLayers = 32;
constexpr int kStages = 2 + 5 * kLayers;
/// What adding up the layers of a step gives back: all but seven of 162 records of 120 bytes.
constexpr std::uint64_t kLayersBytes = (162 - 7) * 120;
/// The newest steps, which keep their layers.
constexpr int kDetailed = 32;

session::LaneInfo laneOf(int layers, int heads) {
  session::LaneInfo lane{.title = "lane", .config = {}, .contextLength = 65536};
  lane.config.layerCount = layers;
  lane.config.attention = {heads, heads, 8};
  lane.config.vocabSize = 4;
  return lane;
}

/// One token at `position`. Each stage takes 1/4 ms, reads 1,000 bytes of weights and issues 1,500; attention
/// reads 8 bytes of KV per position; 1 ms outside the stages.
session::LaneStep stepAt(int position) {
  session::LaneStep step{.lane = 0, .record = {}, .choice = 1, .isFilling = position == 0, .promptLength = 1};
  model::StepRecord& record = step.record;
  record.tokens = {1};
  record.position = position;
  record.stages = std::vector<model::StageRecord>(kStages);
  for (int index = 0; index < kStages; ++index) {
    const bool ends = index == 0 || index == kStages - 1;
    model::StageRecord& stage = record.stages[static_cast<std::size_t>(index)];
    stage.stage = static_cast<Stage>(index == 0 ? 0 : ends ? model::kStageCount - 1 : 1 + (index - 1) % 5);
    stage.layer = ends ? -1 : (index - 1) / 5;
    stage.gpuTimeMs = 0.25;
    stage.issued.weightsRead = 1500;
    stage.logical.weightsRead = 1000;
    if (stage.stage == Stage::AttentionDecode) {
      stage.logical.kvRead = 8 * (static_cast<std::uint64_t>(position) + 1);
    }
  }
  record.overhead = {.prepareMs = 0.5, .submitMs = 0.25, .readBackMs = 0.25};
  record.wallTimeMs = kStages * 0.25 + 1.0;
  record.candidates = std::vector<model::Candidate>(10, {1, 0.0625f});
  return step;
}

/// The same with attention of `layers` layers and `heads` heads: all of it on the token itself.
session::LaneStep attentiveStepAt(int position, int layers, int heads) {
  session::LaneStep step = stepAt(position);
  model::AttentionRows& rows = step.record.attention;
  for (int layer = 0; layer < layers; ++layer) rows.layers.push_back(layer);
  for (int head = 0; head < heads; ++head) rows.queryHeads.push_back(head);
  rows.layers.shrink_to_fit();
  rows.queryHeads.shrink_to_fit();
  rows.rowCount = 1;
  rows.firstPosition = position;
  rows.rowStride = position + 1;
  rows.values.resize(static_cast<std::size_t>(layers * heads * rows.rowStride));
  for (std::size_t row = 1; row <= static_cast<std::size_t>(layers * heads); ++row) {
    rows.values[row * static_cast<std::size_t>(rows.rowStride) - 1] = 1.0f;
  }
  return step;
}

/// A text of `length` positions; the first is the prompt.
void decode(session::TraceStore& store, int length, int layers = 0, int heads = 0) {
  for (int position = 0; position < length; ++position) {
    session::StepBatch batch{.run = 1, .steps = {}};
    batch.steps.push_back(layers > 0 ? attentiveStepAt(position, layers, heads) : stepAt(position));
    store.append(std::move(batch));
  }
}

/// How many of the oldest steps have their layers added up; -1 when others than the oldest have.
int addedUp(const session::LaneTrace& lane) {
  const auto isSum = [&](int step) { return lane.step(step).stages.size() == model::kStageCount; };
  int count = 0;
  while (count < lane.stepCount() && isSum(count)) ++count;
  for (int step = count; step < lane.stepCount(); ++step) {
    if (isSum(step) || static_cast<int>(lane.step(step).stages.size()) != kStages) return -1;
  }
  return count;
}

/// What all of it holds with nothing given up.
std::uint64_t heldOf(int length, int layers = 0, int heads = 0) {
  session::TraceStore store(kUnlimited);
  store.setLanes(1, {laneOf(kLayers, std::max(heads, 1))}, {{}});
  decode(store, length, layers, heads);
  return store.lane(0).heldBytes();
}

}  // namespace

class TestTraceMemory : public QObject {
  Q_OBJECT

 private slots:
  /// Between 64 and 128 steps no array grows but those of the steps: stages, candidates and the token; and
  /// the first row of each head makes its overview.
  void everythingIsCounted() {
    session::TraceStore store(kUnlimited);
    store.setLanes(1, {laneOf(kLayers, 2)}, {{}});
    decode(store, 80);
    const std::uint64_t before = store.lane(0).heldBytes();
    const auto append = [&](session::LaneStep step) {
      session::StepBatch batch{.run = 1, .steps = {}};
      batch.steps.push_back(std::move(step));
      store.append(std::move(batch));
    };
    append(stepAt(80));
    QCOMPARE(store.lane(0).heldBytes() - before, std::uint64_t{162 * 120 + 10 * 8 + 4});
    QVERIFY(store.lane(0).overview(0, 0).cells().empty());
    // Three layers and two heads of 82 values, their numbers, and six overviews of 128 x 128 cells.
    append(attentiveStepAt(81, 3, 2));
    constexpr std::uint64_t kRows = 3 * 2 * 82 * 4 + 3 * 4 + 2 * 4;
    QCOMPARE(store.lane(0).heldBytes() - before,
             std::uint64_t{2 * (162 * 120 + 10 * 8 + 4) + kRows + 6 * 65'536});
    // Recomputed rows of one head: 50 values, a layer and a head.
    const auto replayed = [](int position) {
      model::AttentionRows rows = attentiveStepAt(position, 1, 1).record.attention;
      return std::vector<model::AttentionRows>{rows};
    };
    store.addReplayed({.run = 1, .lane = 0, .blocks = replayed(49)});
    const std::uint64_t one = store.lane(0).heldBytes();
    store.addReplayed({.run = 1, .lane = 0, .blocks = replayed(49)});
    QCOMPARE(store.lane(0).heldBytes() - one, std::uint64_t{50 * 4 + 4 + 4 + sizeof(model::AttentionRows)});
  }

  void noMoreIsAddedUpThanTheBudgetAsks_data() {
    QTest::addColumn<quint64>("below");  // bytes that the budget is below what 100 steps hold
    QTest::addColumn<int>("steps");
    QTest::newRow("enough") << quint64{0} << 0;
    QTest::newRow("a byte less") << quint64{1} << 1;
    QTest::newRow("a step less") << quint64{kLayersBytes} << 1;
    QTest::newRow("a byte more") << quint64{kLayersBytes + 1} << 2;
    QTest::newRow("half of them") << quint64{50 * kLayersBytes} << 50;
    QTest::newRow("all but the newest") << quint64{68 * kLayersBytes} << 100 - kDetailed;
    QTest::newRow("more than there is") << quint64{90 * kLayersBytes} << 100 - kDetailed;
  }
  void noMoreIsAddedUpThanTheBudgetAsks() {
    QFETCH(quint64, below);
    QFETCH(int, steps);
    session::TraceStore store(heldOf(100) - below);
    store.setLanes(1, {laneOf(kLayers, 1)}, {{}});
    decode(store, 100);
    QCOMPARE(addedUp(store.lane(0)), steps);
  }

  /// Layers go before rows, and the oldest rows first: row p is 4 (p + 1) bytes, with a layer and a head.
  void rowsGoAfterLayers() {
    const std::uint64_t layersGone = heldOf(100, 1, 1) - 68 * kLayersBytes;
    const auto rowsLeft = [](std::uint64_t budget) {
      session::TraceStore store(budget);
      store.setLanes(1, {laneOf(kLayers, 1)}, {{}});
      decode(store, 100, 1, 1);
      const session::LaneTrace& lane = store.lane(0);
      if (addedUp(lane) != 68) return -1;
      int first = 0;
      while (first < 100 && lane.attentionRow(0, 0, first).empty()) ++first;
      for (int position = first; position < 100; ++position) {
        if (lane.attentionRow(0, 0, position).back() != 1.0f) return -1;
      }
      // The overview saw them all.
      return lane.overview(0, 0).cells()[0] == 1.0f ? 100 - first : -1;
    };
    QCOMPARE(rowsLeft(layersGone), 100);
    QCOMPARE(rowsLeft(layersGone - 1), 99);
    // Rows 0 to 9: 4 x 55 bytes, and 10 x 8.
    QCOMPARE(rowsLeft(layersGone - 300), 90);
    QCOMPARE(rowsLeft(layersGone - 301), 89);
    QCOMPARE(rowsLeft(0), 0);
  }

  void theNewestRecomputedRowsStay() {
    session::TraceStore store(0);
    store.setLanes(1, {laneOf(kLayers, 1)}, {{}});
    decode(store, 40, 1, 1);
    const auto replay = [&](int position) {
      store.addReplayed({.run = 1, .lane = 0, .blocks = {attentiveStepAt(position, 1, 1).record.attention}});
    };
    replay(5);
    QCOMPARE(store.lane(0).attentionRow(0, 0, 5).size(), std::size_t{6});
    replay(7);
    QVERIFY(store.lane(0).attentionRow(0, 0, 5).empty());
    QCOMPARE(store.lane(0).attentionRow(0, 0, 7).size(), std::size_t{8});
  }

  /// Of 200 decode steps, worked out from one: 162 stages of 1/4 ms and 1 ms besides, 162,000 logical and
  /// 243,000 issued bytes of weights, 32 x 8 bytes of KV per position.
  void totalsStay() {
    session::TraceStore store(0);
    store.setLanes(1, {laneOf(kLayers, 1)}, {{}});
    decode(store, 201);
    const session::LaneTrace& lane = store.lane(0);
    QCOMPARE(addedUp(lane), 201 - kDetailed);
    {
      const analysis::StepSummary sum = analysis::summarise(lane.decodeSteps(200));
      QCOMPARE(sum.stepCount, 200);
      QCOMPARE(sum.dispatchCount, 200 * 162);
      QCOMPARE(sum.wallTimeMs, 200 * 41.5);
      QCOMPARE(sum.gpuTimeMs, 200 * 40.5);
      QCOMPARE(sum.overhead.totalMs(), 200.0);
      QCOMPARE(sum.issued.weightsRead, std::uint64_t{200 * 243'000});
      QCOMPARE(sum.logical.weightsRead, std::uint64_t{200 * 162'000});
      // Positions 1 to 200 see 2 to 201 positions: 20,300 in all.
      QCOMPARE(sum.logical.kvRead, std::uint64_t{20'300 * 32 * 8});
      QCOMPARE(sum.stageTimeMs[static_cast<std::size_t>(Stage::Embedding)], 50.0);
      QCOMPARE(sum.stageTimeMs[static_cast<std::size_t>(Stage::FfnDown)], 1600.0);
      QCOMPARE(sum.stageIssuedBytes[static_cast<std::size_t>(Stage::Logits)], std::uint64_t{300'000});
    }
    QCOMPARE(lane.stepAt(3).issued().total(), std::uint64_t{243'000});
    QCOMPARE(lane.stepAt(3).gpuTimeMs(), 40.5);
    QCOMPARE(lane.predictionOf(3)->candidates.size(), std::size_t{10});
    const analysis::LaneMeasurement measured =
        analysis::measureLane(lane.info().config, lane.options(), lane.decodeSteps(200));
    QCOMPARE(measured.stageMs[static_cast<std::size_t>(Stage::AttentionDecode)], 8.0);
  }

  /// The lane that holds most gives up first.
  void lanesShareTheBudget() {
    session::TraceStore store(heldOf(100) + heldOf(50) - 1);
    store.setLanes(1, {laneOf(kLayers, 1), laneOf(kLayers, 1)}, {{}, {}});
    decode(store, 100);
    for (int position = 0; position < 50; ++position) {
      session::StepBatch batch{.run = 1, .steps = {}};
      batch.steps.push_back(stepAt(position));
      batch.steps.back().lane = 1;
      store.append(std::move(batch));
    }
    QCOMPARE(addedUp(store.lane(0)), 1);
    QCOMPARE(addedUp(store.lane(1)), 0);
  }

  /// The longest text of a model of 32 layers and 32 heads, which with every layer would be 1.3 GB of stages,
  /// within a fifth of that, at every step, and with no more given up than has to be.
  void aLongRunStaysWithinItsBudget() {
    constexpr std::uint64_t kBudget = 256ull << 20;
    constexpr int kLength = 65'536;
    session::TraceStore store(kBudget);
    store.setLanes(1, {laneOf(kLayers, 32)}, {{}});
    const session::LaneTrace& lane = store.lane(0);
    std::uint64_t most = 0;
    for (int position = 0; position < kLength; ++position) {
      session::StepBatch batch{.run = 1, .steps = {}};
      batch.steps.push_back(stepAt(position));
      store.append(std::move(batch));
      most = std::max(most, lane.heldBytes());
    }
    QVERIFY2(most <= kBudget, std::to_string(most).c_str());
    QVERIFY(kBudget - lane.heldBytes() < kLayersBytes);
    QCOMPARE(lane.length(), kLength);
    QCOMPARE(analysis::summarise(lane.decodeSteps(kLength - 1)).logical.weightsRead,
             std::uint64_t{65'535ull * 162'000});
    QCOMPARE(analysis::summarise(lane.decodeSteps(kLength - 1)).gpuTimeMs, 65'535 * 40.5);
    QCOMPARE(lane.predictionOf(100)->candidates.size(), std::size_t{10});
  }
};

QTEST_GUILESS_MAIN(TestTraceMemory)
#include "tst_trace_memory.moc"
