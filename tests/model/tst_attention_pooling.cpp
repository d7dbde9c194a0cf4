#include <QTest>
#include <vector>

#include "core/model/attention_pooling.h"

using namespace headroom;

class TestAttentionPooling : public QObject {
  Q_OBJECT

 private slots:
  void aRow() {
    const std::vector<float> row{0.1f, 0.4f, 0.2f, 0.05f, 0.25f};
    std::vector<float> pairs(3);
    model::poolRow(row, 2, pairs);
    QVERIFY(pairs == std::vector<float>({0.4f, 0.2f, 0.25f}));
    std::vector<float> fours(2);
    model::poolRow(row, 4, fours);
    QVERIFY(fours == std::vector<float>({0.4f, 0.25f}));
    std::vector<float> whole(5);
    model::poolRow(row, 1, whole);
    QVERIFY(whole == row);
  }

  /// One layer, two heads, the tokens at positions 3 and 4: rows of 4 and 5 values in a stride of 6.
  void rowsOfAStep() {
    model::AttentionRows rows{
        .layers = {7},
        .queryHeads = {0, 2},
        .rowCount = 2,
        .firstPosition = 3,
        .rowStride = 6,
        .values = {1, 2, 3, 4, 99, 99, 5, 6, 7, 8, 9, 99, 4, 3, 2, 1, 99, 99, 9, 8, 7, 6, 5, 99}};
    model::AttentionRows same = rows;
    model::poolRows(same, 5);
    QVERIFY(same.values == rows.values && same.pooling == 1);
    model::poolRows(same, 0);
    QVERIFY(same.values == rows.values && same.pooling == 1);

    // 5 values do not go into 4 cells, 3 do; what lies beyond a row in its stride does not count.
    model::poolRows(rows, 4);
    QCOMPARE(rows.pooling, 2);
    QCOMPARE(rows.rowStride, 3);
    QVERIFY(rows.values == std::vector<float>({2, 4, 0, 6, 8, 9, 4, 2, 0, 9, 7, 5}));
    QVERIFY(rows.layers == std::vector<int>{7} && rows.queryHeads == std::vector<int>({0, 2}));
    QCOMPARE(rows.firstPosition, 3);

    // What is pooled stays: maxima of maxima would be said to be of fewer positions.
    model::poolRows(rows, 1);
    QCOMPARE(rows.pooling, 2);
  }

  void nothingCaptured() {
    model::AttentionRows none;
    model::poolRows(none, 1);
    QCOMPARE(none.pooling, 1);
    QVERIFY(none.values.empty());
  }
};

QTEST_GUILESS_MAIN(TestAttentionPooling)
#include "tst_attention_pooling.moc"
