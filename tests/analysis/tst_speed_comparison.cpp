#include <QTest>
#include <cmath>
#include <random>

#include "core/analysis/speed_comparison.h"
#include "core/analysis/speed_map.h"

using namespace headroom;
using namespace headroom::analysis;

namespace {

/// Time of a step behind T positions: fixed + perPosition T.
struct Cost {
  double fixed = 1.0;
  double perPosition = 0.001;
  double at(double positions) const { return fixed + perPosition * positions; }
};

/// Pairs at `from` ... `to`, each time off by a factor with that relative deviation, both by `drift` at each.
template <typename Drift>
std::vector<StepPair> pairs(const Cost& slow, const Cost& fast, int from, int to, double noise, unsigned seed,
                            const Drift& drift) {
  std::mt19937 random(seed);
  std::lognormal_distribution<double> factor(0.0, noise);
  std::vector<StepPair> result;
  for (int positions = from; positions <= to; ++positions) {
    const double both = drift(positions);
    result.push_back(
        {positions, both * factor(random) * slow.at(positions), both * factor(random) * fast.at(positions)});
  }
  return result;
}

std::vector<StepPair> pairs(const Cost& slow, const Cost& fast, int from, int to, double noise,
                            unsigned seed) {
  return pairs(slow, fast, from, to, noise, seed, [](int) { return 1.0; });
}

bool near(double a, double b, double relative = 1e-9) {
  return std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b));
}

SpeedCurve curve(const std::string& name, std::initializer_list<std::pair<int, std::vector<double>>> points) {
  SpeedCurve result{.name = name};
  for (const auto& [positions, rounds] : points) result.points.push_back({{1, positions}, rounds});
  return result;
}

}  // namespace

/// What the times of two lanes say of each other.
class TestSpeedComparison : public QObject {
  Q_OBJECT

 private slots:
  /// Rows in any order: one curve of each model, kernel and cache type.
  void pointsFindTheirCurve() {
    model::ModelConfig config;
    config.layerCount = 3;
    config.attention = {8, 2, 16};
    config.contextLength = 512;
    const auto of = [&](const char* name, model::AttentionKernel kernel, model::KvType type) {
      return emptyCurve(name, "", config, kernel, type);
    };
    using enum model::AttentionKernel;
    SpeedMap map;
    for (const int positions : {64, 128}) {
      map.add(of("MHA", Shared, model::KvType::F32), {{1, positions}, {1.0}});
      map.add(of("MHA", Naive, model::KvType::F32), {{1, positions}, {2.0}});
      map.add(of("MHA", Shared, model::KvType::F16), {{1, positions}, {3.0}});
      map.add(of("MQA", Shared, model::KvType::F32), {{1, positions}, {4.0}});
    }
    QCOMPARE(map.curves.size(), std::size_t{4});
    for (std::size_t index = 0; index < map.curves.size(); ++index) {
      const SpeedCurve& curve = map.curves[index];
      QCOMPARE(curve.points.size(), std::size_t{2});
      QCOMPARE(curve.points[1].at.positions, 128);
      QCOMPARE(curve.points[1].roundMs.front(), 1.0 + static_cast<double>(index));
      QVERIFY(curve.layerCount == 3 && curve.attention == config.attention && curve.trainedContext == 512);
    }
  }

  void aFourthOfWrongPointsMovesNoLine() {
    std::vector<LinePoint> points;
    for (int x = 0; x < 40; ++x) points.push_back({x * 1.0, x % 4 == 3 ? 1000.0 - 30.0 * x : 2.0 + 0.5 * x});
    const auto line = robustLine(points);
    QVERIFY(line && std::abs(line->slope - 0.5) < 0.1);
    QVERIFY(std::abs(line->at(20.0) - 12.0) < 1.5);
    QVERIFY(!robustLine(std::vector<LinePoint>{{1.0, 2.0}, {1.0, 3.0}}));
  }

  void onlyCommonPositionsArePaired() {
    const std::vector<TimedStep> slow{{3, 1.0}, {4, 2.0}, {6, 3.0}, {7, 0.0}};
    const std::vector<TimedStep> fast{{1, 5.0}, {4, 1.0}, {5, 1.0}, {6, 1.5}, {7, 1.0}, {9, 1.0}};
    const auto pairs = pairSteps(slow, fast);
    QCOMPARE(pairs.size(), 2u);  // the step without a time is none
    QCOMPARE(pairs[0].positions, 4);
    QCOMPARE(pairs[1].positions, 6);
    QCOMPARE(pairs[1].slowMs / pairs[1].fastMs, 2.0);
  }

  /// The value is what two figures of a page give whoever divides them; the range is that of their medians.
  void theRangeIsThatOfTheMedians() {
    std::vector<StepPair> steps;
    for (int i = 0; i < 40; ++i) steps.push_back({i, i < 8 ? 100.0 : 2.0 + i % 4, 1.0 + i % 3});
    const auto now = speedupNow(steps, 1.5);
    QVERIFY(now && now->value == 1.5);
    // Medians of 2, 3, 4, 5 in turn and of 1, 2, 3: of a resampling at least 2 / 3 and at most 5 / 1; the
    // first eight do not count.
    QVERIFY(now->low >= 2.0 / 3.0 && now->low <= 1.5 && now->high >= 1.5 && now->high <= 5.0);
    QVERIFY(!speedupNow(std::span(steps).first(kFewestPairs - 1), 1.5));
    // Equal steps leave no range.
    for (StepPair& pair : steps) pair = {pair.positions, 3.0, 2.0};
    QCOMPARE(speedupNow(steps, 1.5)->spread(), 0.0);
  }

  void whatSlowsBothCancels() {
    const Cost slow{.fixed = 3.0}, fast{.fixed = 2.0};
    // The machine gets three times as slow on the way.
    const auto steps =
        pairs(slow, fast, 1, 40, 0.01, 1, [](int positions) { return 1.0 + positions / 20.0; });
    const auto now = speedupNow(steps, 1.5);
    QVERIFY(now && now->low <= 1.5 && now->high >= 1.45);
    QVERIFY2(now->relativeSpread() < 0.35, qPrintable(QString::number(now->relativeSpread())));
  }

  void theRangeHoldsTheTruth_data() {
    QTest::addColumn<double>("noise");
    QTest::addColumn<int>("last");
    QTest::addColumn<double>("farther");
    QTest::newRow("quiet") << 0.02 << 600 << 2.0;
    QTest::newRow("noisy") << 0.15 << 600 << 2.0;
    QTest::newRow("far") << 0.05 << 600 << 6.0;
    QTest::newRow("few steps") << 0.05 << 120 << 3.0;
  }
  void theRangeHoldsTheTruth() {
    QFETCH(double, noise);
    QFETCH(int, last);
    QFETCH(double, farther);
    const Cost slow{.fixed = 2.0, .perPosition = 0.004}, fast{.fixed = 1.6, .perPosition = 0.0008};
    int held = 0;
    constexpr int kTrials = 60;
    for (unsigned seed = 1; seed <= kTrials; ++seed) {
      const auto forecast = SpeedForecast::from(pairs(slow, fast, 20, last, noise, seed));
      QVERIFY(forecast);
      const double positions = farther * last;
      const Estimate there = forecast->at(positions);
      const double truth = slow.at(positions) / fast.at(positions);
      held += there.low <= truth && truth <= there.high ? 1 : 0;
    }
    QVERIFY2(held >= kTrials * 85 / 100, qPrintable(QString("%1 of %2").arg(held).arg(kTrials)));
  }

  void aGoalIsReachedWhereTheLinesSay() {
    const Cost slow{.fixed = 2.0, .perPosition = 0.004}, fast{.fixed = 1.6, .perPosition = 0.0008};
    const auto forecast = SpeedForecast::from(pairs(slow, fast, 20, 300, 0.0, 1));
    QVERIFY(forecast);
    // 2 + 0.004 T = 2 (1.6 + 0.0008 T) at T = 1.2 / 0.0024 = 500.
    QVERIFY(near(forecast->reaches(2.0).value_or(0.0), 500.0, 1e-6));
    QVERIFY(near(forecast->at(500.0).value, 2.0, 1e-6));
    // At most 0.004 / 0.0008 = 5 times.
    QVERIFY(!forecast->reaches(5.5));
  }

  void tooLittleSaysNothing() {
    const Cost cost;
    QVERIFY(!SpeedForecast::from(pairs(cost, cost, 1000, 1400, 0.0, 1)));
    QVERIFY(!SpeedForecast::from(pairs(cost, cost, 1, 40, 0.0, 1)));
  }

  /// Value, spread and ends are numbers that whoever reads them both can add up: 1.37 - 0.20 = 1.17, where the
  /// ends themselves lie 0.208 apart.
  void aSpreadLeadsToTheEndThatIsShown() {
    const Estimate speedup{.value = 1.374, .low = 1.166, .high = 1.56};
    QCOMPARE(speedup.text(), std::string("1.37\u00d7 \u00b1 0.20"));
    QCOMPARE(speedup.rangeText(), std::string("1.37\u00d7 (1.17 to 1.56)"));
  }

  void crossingsLieBetweenWhatWasMeasured() {
    const SpeedCurve slow = curve("MHA", {{512, {3.0, 3.0, 3.3}}, {1024, {8.0, 8.8, 8.4}}});
    const SpeedCurve fast = curve("MQA", {{512, {2.0, 2.0, 2.0}}, {1024, {2.0, 2.2, 2.0}}});
    const auto there = measuredSpeedup(slow, fast, {1, 512});
    QVERIFY(there && near(there->median, 1.5) && near(there->maximum, 1.65));
    // From 1.5 at 512 to 4.2 at 1,024, 8.4 / 2 of the medians: 2 at 0.5 / 2.7 of the way.
    const auto two = crossing(2.0, slow, fast, 1);
    QVERIFY(two);
    QCOMPARE(two->at.positions, 512 + 95);
    QVERIFY(two->low < two->at.positions && two->at.positions <= two->high);
    QVERIFY(!crossing(5.0, slow, fast, 1));
    QCOMPARE(crossingText({.at = {1, 1759}, .low = 1024, .high = 2048}),
             std::string("1,759 (1,024 to 2,048)"));
    QCOMPARE(crossingText({.at = {1, 1759}, .low = 1024}), std::string("1,759 (1,024 or more)"));
    QCOMPARE(crossingText({.at = {1, 512}, .low = 512, .high = 512}), std::string("512"));
    QVERIFY(!crossing(2.0, slow, fast, 4));
    QVERIFY(!measuredSpeedup(slow, fast, {1, 700}));
    // The quotient of the medians, 3 / 2, where that of the rounds' quotients would be 1.
    const auto shown = measuredSpeedup(curve("MHA", {{512, {3.0, 2.0, 4.0}}}),
                                       curve("MQA", {{512, {3.0, 2.0, 1.0}}}), {1, 512});
    QVERIFY(shown && near(shown->median, 1.5) && near(shown->minimum, 1.0) && near(shown->maximum, 4.0));
  }

  /// The mark stands where the drawn lines have the goal, also where one disturbed point says otherwise; the
  /// range then has both.
  void crossingsAreThoseOfTheLines() {
    const auto measured = [](double disturbed) {
      // 1 + T / 256 against 2 ms: 2 times at T = 768.
      return curve("MHA", {{256, {2.0, 2.0, 2.0}},
                           {512, {disturbed, disturbed, disturbed}},
                           {1024, {5.0, 5.0, 5.0}},
                           {1536, {7.0, 7.0, 7.0}},
                           {2048, {9.0, 9.0, 9.0}}});
    };
    const SpeedCurve fast = curve(
        "MQA", {{256, {2.0}}, {512, {2.0, 2.0}}, {1024, {2.0, 2.0}}, {1536, {2.0, 2.0}}, {2048, {2.0, 2.0}}});
    const auto quiet = crossing(2.0, measured(3.0), fast, 1);
    QVERIFY(quiet);
    QCOMPARE(quiet->at.positions, 768);
    QCOMPARE(quiet->low, 768);
    QCOMPARE(quiet->high, 768);
    const auto noisy = crossing(2.0, measured(4.4), fast, 1);
    QVERIFY(noisy);
    QCOMPARE(noisy->at.positions, 768);
    QVERIFY(noisy->low < 512 && noisy->low > 256);
    QCOMPARE(noisy->high, 768);
    // 5.5 times by the lines at 2,560, beyond what was measured.
    QVERIFY(!crossing(5.5, measured(3.0), fast, 1));
  }
};

QTEST_GUILESS_MAIN(TestSpeedComparison)
#include "tst_speed_comparison.moc"
