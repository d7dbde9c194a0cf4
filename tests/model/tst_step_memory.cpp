#include <QTest>

#include "core/model/step_memory.h"

using namespace headroom;
using model::Stage;

class TestStepMemory : public QObject {
  Q_OBJECT

 private slots:
  /// 32 layers of five stages, embedding and logits: 162 records of 120 bytes.
  void bytesByHand() {
    model::StepRecord record;
    const std::uint64_t empty = model::memoryOf(record);
    QVERIFY(empty >= sizeof record);
    record.stages = std::vector<model::StageRecord>(162);
    QCOMPARE(model::memoryOf(record) - empty, std::uint64_t{19'440});
    record.candidates = std::vector<model::Candidate>(10);
    QCOMPARE(model::memoryOf(record) - empty, std::uint64_t{19'440 + 80});
    record.tokens = {7};
    QCOMPARE(model::memoryOf(record) - empty, std::uint64_t{19'440 + 80 + 4});
    // Two layers and three heads at position 9, ten values each, with two more in the stride.
    record.attention.layers = {0, 4};
    record.attention.queryHeads = {0, 1, 2};
    record.attention.values = std::vector<float>(2 * 3 * 12);
    QCOMPARE(model::memoryOf(record.attention), std::uint64_t{8 + 12 + 288});
    QCOMPARE(model::memoryOf(record) - empty, std::uint64_t{19'440 + 80 + 4 + 308});
    model::StepRecord captured;
    captured.rows = {{0, 7, 3}};
    captured.activations = {{.columns = 5, .values = std::vector<float>(5)}};
    captured.logits = std::vector<float>(9);
    captured.summaries = {{.top = {{1, 0.5f}, {2, 0.25f}}}};
    QCOMPARE(model::memoryOf(captured) - empty,
             12 + sizeof(model::Activations) + 20 + 36 + sizeof(model::LogitsSummary) + 16);
    // What is only reserved counts, too.
    record.candidates.reserve(20);
    QCOMPARE(model::memoryOf(record) - empty, std::uint64_t{19'440 + 160 + 4 + 308});
  }

  void layersAddUp() {
    model::StepRecord record;
    record.stages = {
        {Stage::Embedding, -1, 0.125, {.weightsRead = 5}, {.weightsRead = 4}, 1},
        {Stage::QkvProjection, 0, 1.0, {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}, 1},
        {Stage::AttentionDecode, 0, 2.0, {.kvRead = 100}, {.kvRead = 50}, 3},
        {Stage::QkvProjection, 1, 0.5, {10, 20, 30, 40, 50, 60}, {70, 80, 90, 100, 110, 120}, 2},
        {Stage::AttentionDecode, 1, 4.0, {.kvRead = 200}, {.kvRead = 60}, 4},
        {Stage::Logits, -1, 0.25, {.weightsRead = 9}, {.weightsRead = 8}, 1},
    };
    record.candidates = {{3, 0.5f}};
    const std::uint64_t before = model::memoryOf(record);
    model::addUpLayers(record);
    QCOMPARE(before - model::memoryOf(record), std::uint64_t{2 * 120});
    const auto is = [&](std::size_t index, const model::StageRecord& expected) {
      const model::StageRecord& actual = record.stages.at(index);
      return actual.stage == expected.stage && actual.layer == expected.layer &&
             actual.gpuTimeMs == expected.gpuTimeMs && actual.issued == expected.issued &&
             actual.logical == expected.logical && actual.dispatchCount == expected.dispatchCount;
    };
    const auto allRight = [&] {
      return record.stages.size() == 4 &&
             is(0, {Stage::Embedding, -1, 0.125, {.weightsRead = 5}, {.weightsRead = 4}, 1}) &&
             is(1,
                {Stage::QkvProjection, -1, 1.5, {11, 22, 33, 44, 55, 66}, {77, 88, 99, 110, 121, 132}, 3}) &&
             is(2, {Stage::AttentionDecode, -1, 6.0, {.kvRead = 300}, {.kvRead = 110}, 7}) &&
             is(3, {Stage::Logits, -1, 0.25, {.weightsRead = 9}, {.weightsRead = 8}, 1});
    };
    QVERIFY(allRight());
    QCOMPARE(record.candidates.size(), std::size_t{1});
    model::addUpLayers(record);
    QVERIFY(allRight());
  }

  void nothingToAddUp() {
    model::StepRecord record;
    model::addUpLayers(record);
    QVERIFY(record.stages.empty());
  }
};

QTEST_GUILESS_MAIN(TestStepMemory)
#include "tst_step_memory.moc"
