#include <QTest>

#include "core/analysis/rates.h"
#include "tests/analysis/synthetic_lanes.h"

using namespace headroom;
using namespace headroom::analysis;

/// The formulas that views, reports and verdicts share, against numbers worked out by hand.
class TestRates : public QObject {
  Q_OBJECT

 private slots:
  void formulas() {
    // 20 steps of 8 sequences in 400 ms.
    QCOMPARE(tokensPerSecond(20, 8, 400.0), 400.0);
    // 3 * 10^9 bytes in 1.5 s, and back.
    QCOMPARE(gigaPerSecond(3e9, 1500.0), 2.0);
    QCOMPARE(millisecondsOf(3e9, 2.0), 1500.0);
    QCOMPARE(percentOf(3.0, 12.0), 25.0);
    const model::Traffic logical{.weightsRead = 900'000, .kvRead = 100'000, .activationsWritten = 500'000};
    const model::Traffic issued{.weightsRead = 900'000, .kvRead = 400'000};
    QCOMPARE(impliedGigabytesPerSecond(logical, 0.5), 3.0);
    QCOMPARE(kvReuseFactor(issued, logical), 4.0);
    QCOMPARE(countedOrLogical(issued, logical).kvRead, issued.kvRead);
    QCOMPARE(countedOrLogical({}, logical).kvRead, logical.kvRead);
    QVERIFY(isCounted(issued) && !isCounted({}));
  }

  /// Where something is not known, nothing is infinite or not a number.
  void unknownIsZero() {
    QCOMPARE(tokensPerSecond(0, 1, 0.0), 0.0);
    QCOMPARE(gigaPerSecond(1e9, 0.0), 0.0);
    QCOMPARE(millisecondsOf(1e9, 0.0), 0.0);
    QCOMPARE(percentOf(3.0, 0.0), 0.0);
    QCOMPARE(impliedGigabytesPerSecond({.kvRead = 5}, 0.0), 0.0);
    QCOMPARE(kvReuseFactor({.kvRead = 5}, {}), 0.0);
  }

  /// What a lane's steps tell goes by them, of all sequences.
  void lanesUseThem() {
    const auto lane = test::lane(8, {.fixed = 0.0, .weights = 1.86, .reuse = 4}, 99, 99, {.batch = 4});
    // 0.04 + 100 x 0.001 of attention beside the weights: 2 ms a step.
    QVERIFY(std::abs(lane.tokensPerSecond() - 4 * 500.0) < 1e-9);
    QCOMPARE(lane.kvReuse(), 4.0);
    // 10 MB of weights and 819,200 bytes of keys and values in those 2 ms.
    QVERIFY(std::abs(lane.impliedGBps() - 10.8192 / 2.0) < 1e-9);
  }
};

QTEST_GUILESS_MAIN(TestRates)
#include "tst_rates.moc"
