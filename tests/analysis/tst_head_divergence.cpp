#include <QTest>
#include <cmath>
#include <functional>

#include "core/analysis/head_divergence.h"

using namespace headroom;

namespace {

/// a[i][j] of a head.
using Attention = double (*)(int query, int position);

double uniform(int query, int) {
  return 1.0 / (query + 1);
}
double first(int, int position) {
  return position == 0 ? 1.0 : 0.0;
}
double itself(int query, int position) {
  return position == query ? 1.0 : 0.0;
}

constexpr int kLength = 9;
constexpr double kLimit = 1e-6;  // of floats near 1

/// Rows `begin` to `end` of one layer of four heads: the first two look alike.
model::AttentionRows rowsOf(int begin, int end) {
  model::AttentionRows rows{
      .layers = {0}, .rowCount = end - begin, .firstPosition = begin, .rowStride = kLength};
  for (const Attention attention : {first, first, itself, uniform}) {
    rows.queryHeads.push_back(rows.queryHeadCount());
    for (int query = begin; query < end; ++query) {
      for (int position = 0; position < kLength; ++position)
        rows.values.push_back(position <= query ? static_cast<float>(attention(query, position)) : 0.0f);
    }
  }
  return rows;
}

/// Of all on one position against 1 / n on each of n: H((p + q) / 2) - H(q) / 2.
double oneAgainstUniform(int n) {
  const double share = 0.5 + 0.5 / n;
  const double other = 0.5 / n;
  return -share * std::log(share) - (n - 1) * other * std::log(other) - 0.5 * std::log(n);
}

}  // namespace

/// Divergences of heads whose attention is known, with the value that follows from it.
class TestHeadDivergence : public QObject {
  Q_OBJECT

 private slots:
  void knownHeads_data() {
    QTest::addColumn<int>("every");
    QTest::addColumn<std::vector<int>>("ends");
    QTest::newRow("every row, at once") << 1 << std::vector<int>{kLength};
    QTest::newRow("every row, in portions") << 1 << std::vector<int>{1, 2, 6, kLength};
    QTest::newRow("every third row") << 3 << std::vector<int>{4, kLength};
  }
  void knownHeads() {
    QFETCH(int, every);
    QFETCH(std::vector<int>, ends);
    analysis::HeadDivergenceSums sums(1, 4, every);
    int begin = 0;
    for (const int end : ends) {
      sums.add(rowsOf(begin, end));
      begin = end;
    }
    const analysis::HeadPairs means = sums.means();
    double expected = 0.0;
    int rows = 0;
    for (int query = every; query < kLength; query += every) {
      expected += oneAgainstUniform(query + 1);
      ++rows;
    }
    expected /= rows;
    QCOMPARE(means.rowCount, rows);
    QVERIFY(means.between(0, 0, 1) < kLimit);
    QVERIFY(std::abs(means.between(0, 0, 2) - std::log(2.0)) < kLimit);
    QVERIFY(std::abs(means.between(0, 1, 3) - expected) < kLimit);
    QVERIFY(std::abs(means.between(0, 2, 3) - expected) < kLimit);
    for (int head = 0; head < 4; ++head) {
      QCOMPARE(means.between(0, head, head), 0.0);
      for (int other = 0; other < 4; ++other)
        QCOMPARE(means.between(0, head, other), means.between(0, other, head));
    }

    // By KV heads of two readers: heads 0 and 1 are alike, 2 and 3 are not.
    const auto [within, across] = analysis::summarise(means, {4, 2, 8});
    QCOMPARE(within.pairs, 2);
    QCOMPARE(across.pairs, 4);
    QVERIFY(std::abs(within.mean - expected / 2.0) < kLimit);
    QVERIFY(std::abs(within.deviation - expected / 2.0) < kLimit);
    QVERIFY(std::abs(across.mean - (std::log(2.0) + expected) / 2.0) < kLimit);
    QCOMPARE(analysis::summarise(means, {4, 4, 8}).within.pairs, 0);
    QCOMPARE(analysis::summarise(means, {4, 1, 8}).across.pairs, 0);
  }
};

QTEST_APPLESS_MAIN(TestHeadDivergence)
#include "tst_head_divergence.moc"
