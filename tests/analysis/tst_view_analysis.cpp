#include <QTest>
#include <cmath>
#include <random>

#include "core/analysis/color_map.h"
#include "core/analysis/divergence.h"
#include "core/analysis/head_statistics.h"
#include "core/analysis/pooled_map.h"
#include "core/analysis/traffic_summary.h"
#include "core/model/attention_pooling.h"

using namespace headroom::analysis;
namespace model = headroom::model;

class TestViewAnalysis : public QObject {
  Q_OBJECT

 private slots:
  void rowStatisticsOfKnownRows() {
    const std::vector<float> even(8, 0.125f);
    const RowStatistics spread = rowStatistics(even, 3);
    QCOMPARE(spread.entropyBits, 3.0);
    QCOMPARE(spread.sinkMass, 0.125);
    QCOMPARE(spread.meanDistance, 3.5);
    QCOMPARE(spread.top.size(), std::size_t{3});
    QCOMPARE(spread.top[0].position, 0);

    const std::vector<float> one{0.0f, 0.0f, 1.0f, 0.0f};
    const RowStatistics sharp = rowStatistics(one, 1);
    QCOMPARE(sharp.entropyBits, 0.0);
    QCOMPARE(sharp.meanDistance, 1.0);
    QCOMPARE(sharp.top[0].position, 2);
  }

  void pooledMapKeepsEveryMaximum_data() {
    QTest::addColumn<int>("length");
    for (const int length : {1, 127, 128, 129, 300, 1000}) QTest::addRow("%d positions", length) << length;
  }
  void pooledMapKeepsEveryMaximum() {
    QFETCH(const int, length);
    std::mt19937 random(7);
    std::uniform_real_distribution<float> value(0.0f, 1.0f);
    PooledMap map;
    std::vector<std::vector<float>> rows;
    for (int position = 0; position < length; ++position) {
      rows.emplace_back(static_cast<std::size_t>(position) + 1);
      for (float& attention : rows.back()) attention = value(random);
      map.addRow(position, rows.back());
    }
    QCOMPARE(map.positionCount(), length);
    QVERIFY(length <= PooledMap::kCells * map.factor());
    QVERIFY(map.factor() == 1 || length > PooledMap::kCells * map.factor() / 2);
    std::vector<float> expected(map.cells().size(), 0.0f);
    for (int query = 0; query < length; ++query) {
      for (int attended = 0; attended <= query; ++attended) {
        float& cell = expected[static_cast<std::size_t>(query / map.factor() * PooledMap::kCells +
                                                        attended / map.factor())];
        cell = std::max(cell, rows[static_cast<std::size_t>(query)][static_cast<std::size_t>(attended)]);
      }
    }
    QVERIFY(std::equal(expected.begin(), expected.end(), map.cells().begin()));
  }

  void poolRowFillsAWindow() {
    const MapWindow window{.firstRow = 4, .firstColumn = 2, .cellRows = 2, .cellColumns = 2, .factor = 2};
    std::vector<float> cells(4, 0.0f);
    const std::vector<float> row{0.9f, 0.8f, 0.1f, 0.4f, 0.2f, 0.3f, 0.7f};
    poolRow(window, 3, row, 1, cells);
    QCOMPARE(cells, std::vector<float>(4, 0.0f));
    poolRow(window, 6, row, 1, cells);
    QCOMPARE(cells, (std::vector<float>{0.0f, 0.0f, 0.4f, 0.3f}));
    poolRow(window, 8, row, 1, cells);
    QCOMPARE(cells, (std::vector<float>{0.0f, 0.0f, 0.4f, 0.3f}));
  }

  /// Where token 0 shares its cell with others, hiding the sink hides it alone.
  void withoutTheSinkItsNeighboursStay() {
    const MapWindow window{.cellRows = 1, .cellColumns = 2, .factor = 4, .fromToken = 1};
    const std::vector<float> row{0.9f, 0.1f, 0.3f, 0.2f};
    std::vector<float> cells(2, 0.0f);
    poolRow(window, 3, row, 1, cells);
    QCOMPARE(cells[0], 0.3f);
    // A value that stands for the sink and others cannot be told apart.
    cells.assign(2, 0.0f);
    poolRow(window, 3, std::vector<float>{0.9f, 0.3f}, 2, cells);
    QCOMPARE(cells[0], 0.3f);
  }

  /// A cell of a difference is the one farthest from none, with its sign.
  void differencesKeepTheirSign() {
    const MapWindow window{.cellRows = 2, .cellColumns = 2, .factor = 2};
    std::vector<float> cells(4, 0.0f);
    const std::vector<float> row{0.5f, 0.125f, 0.25f, 0.125f};
    const std::vector<float> less{0.25f, 0.625f, 0.125f, 0.0f};
    // 0.25, -0.5, 0.125, 0.125
    poolDifference(window, 3, {row}, {less}, cells);
    QCOMPARE(cells, (std::vector<float>{0.0f, 0.0f, -0.5f, 0.125f}));
    // A row of the same cell adds what is farther from none, nothing else.
    poolDifference(window, 2, {std::vector<float>{0.5f, 0.25f, 0.25f}},
                   {std::vector<float>{0.0f, 0.5f, 0.5f}}, cells);
    QCOMPARE(cells, (std::vector<float>{0.0f, 0.0f, -0.5f, -0.25f}));
    // Without the first token.
    const MapWindow sinkless{.cellRows = 1, .cellColumns = 4, .fromToken = 1};
    std::vector<float> others(4, 0.0f);
    poolDifference(sinkless, 0, {std::vector<float>{1.0f}}, {std::vector<float>{0.0f}}, others);
    QCOMPARE(others, std::vector<float>(4, 0.0f));
    // One row comes pooled: the difference of the maxima, at each of their positions.
    const MapWindow single{.firstRow = 3, .cellRows = 1, .cellColumns = 4};
    poolDifference(single, 3, {std::vector<float>{0.5f, 0.25f}, 2}, {less}, others);
    QCOMPARE(others, (std::vector<float>{-0.125f, -0.125f, 0.125f, 0.125f}));
    // A row less itself is nothing, whatever the pooling.
    others.assign(4, 0.0f);
    poolDifference(single, 3, {row}, {row}, others);
    QCOMPARE(others, std::vector<float>(4, 0.0f));
  }

  void differencesAreScaledToBothSides() {
    for (const MapScale scale : {MapScale::Linear, MapScale::Logarithmic, MapScale::SinkHidden}) {
      QCOMPARE(scaledDifference(scale, 0.0, 0.5), 0.5);
      for (const double size : {0.01, 0.2, 0.5}) {
        const double half = 0.5 * scaled(scale, size, 0.5);
        QVERIFY(half > 0.0);
        QCOMPARE(scaledDifference(scale, size, 0.5), 0.5 + half);
        QCOMPARE(scaledDifference(scale, -size, 0.5), 0.5 - half);
      }
    }
  }

  void pooledRowsShowTheSameMaxima_data() {
    QTest::addColumn<int>("pooling");
    for (const int pooling : {1, 2, 4, 8}) QTest::addRow("%d positions", pooling) << pooling;
  }
  /// Whatever the pooling, a cell of the map is at least the largest value it covers, and no larger than the
  /// largest of the pooled values that touch it.
  void pooledRowsShowTheSameMaxima() {
    QFETCH(int, pooling);
    std::mt19937 random(11);
    std::uniform_real_distribution<float> any(0.0f, 1.0f);
    constexpr int kPosition = 45;
    std::vector<float> row(kPosition + 1);
    for (float& value : row) value = any(random);
    model::AttentionRows rows{.layers = {0},
                              .queryHeads = {0},
                              .rowCount = 1,
                              .firstPosition = kPosition,
                              .rowStride = kPosition + 1,
                              .values = row};
    model::poolRows(rows, (kPosition + pooling) / pooling);
    QCOMPARE(rows.pooling, pooling);
    const std::span<const float> pooled = rows.row(0, 0, 0);
    for (std::size_t index = 0; index < pooled.size(); ++index) {
      const auto from = row.begin() + static_cast<std::ptrdiff_t>(index) * pooling;
      const auto to = std::min(row.end(), from + pooling);
      QCOMPARE(pooled[index], *std::max_element(from, to));
    }
    const MapWindow window{.firstRow = 44, .firstColumn = 20, .cellRows = 1, .cellColumns = 13, .factor = 2};
    std::vector<float> cells(13, 0.0f);
    poolRow(window, kPosition, pooled, pooling, cells);
    for (int column = 0; column < 13; ++column) {
      float exact = 0.0f;
      float most = 0.0f;
      for (int position = 20 + 2 * column; position < 22 + 2 * column && position <= kPosition; ++position) {
        exact = std::max(exact, row[static_cast<std::size_t>(position)]);
        most = std::max(most, pooled[static_cast<std::size_t>(position / pooling)]);
      }
      const float cell = cells[static_cast<std::size_t>(column)];
      QVERIFY(cell >= exact && cell <= most);
      if (pooling <= 2) QCOMPARE(cell, exact);
    }
  }

  void overviewOfPooledRows() {
    // 2,000 rows, each with its only mark at a third of its length.
    PooledMap whole;
    PooledMap pooledMap;
    for (int position = 0; position < 2000; ++position) {
      std::vector<float> row(static_cast<std::size_t>(position) + 1, 0.01f);
      row[static_cast<std::size_t>(position / 3)] = 0.8f;
      whole.addRow(position, row);
      model::AttentionRows rows{.layers = {0},
                                .queryHeads = {0},
                                .rowCount = 1,
                                .firstPosition = position,
                                .rowStride = position + 1,
                                .values = row};
      if (position >= 1024) model::poolRows(rows, 256);
      pooledMap.addRow(position, rows.row(0, 0, 0), rows.pooling);
    }
    QVERIFY(std::equal(whole.cells().begin(), whole.cells().end(), pooledMap.cells().begin()));
  }

  void divergence() {
    const std::vector<int> a{1, 2, 3, 4};
    const std::vector<int> b{1, 2, 9};
    QCOMPARE(firstDifference(a, b), std::optional<int>(2));
    QVERIFY(!firstDifference(a, std::vector<int>{1, 2}));
    const std::vector<int> choices{-1, -1, 3, 5, 6};
    QCOMPARE(firstDisagreement(a, choices, 0), std::optional<int>(3));
    QVERIFY(!firstDisagreement(a, choices, 4));
  }

  void trafficAndCache() {
    model::StepRecord record;
    record.tokens = {1};
    record.wallTimeMs = 4.0;
    record.stages = {
        {model::Stage::QkvProjection, 0, 1.0, {.weightsRead = 100, .kvWritten = 8}, {.weightsRead = 90}},
        {model::Stage::QkvProjection, 1, 1.5, {.weightsRead = 100}, {.weightsRead = 90}}};
    StepSummary sum;
    sum.add(record);
    sum.add(record);
    QCOMPARE(sum.stepCount, 2);
    QCOMPARE(sum.issued.weightsRead, std::uint64_t{400});
    QCOMPARE(sum.perStep(sum.wallTimeMs), 4.0);
    QCOMPARE(StepSummary{}.perStep(1.0), 0.0);
    QCOMPARE(sum.impliedGigabytesPerSecond(), 360.0 / 8.0 * 1e-6);
    QCOMPARE(stageMilliseconds(record)[static_cast<std::size_t>(model::Stage::QkvProjection)], 2.5);
    QCOMPARE(byClass(record.issued())[2], std::uint64_t{8});

    // 2 (K and V) x 80 layers x 64 or 1 KV heads x 128 values x 2048 positions x 2 bytes.
    model::ModelConfig config;
    config.layerCount = 80;
    config.attention = {64, 64, 128};
    QCOMPARE(cacheGrowth(config, model::KvType::F16, 2048).bytesAtLimit(), std::uint64_t{5'368'709'120});
    config.attention.kvHeadCount = 1;
    QCOMPARE(cacheGrowth(config, model::KvType::F16, 2048).bytesAtLimit(), std::uint64_t{83'886'080});
  }
};

QTEST_GUILESS_MAIN(TestViewAnalysis)
#include "tst_view_analysis.moc"
