#include <QTest>
#include <cmath>
#include <vector>

#include "core/model/statistics.h"

using namespace headroom;

class TestStatistics : public QObject {
  Q_OBJECT

 private slots:
  void medians() {
    QCOMPARE(model::median({4.0}), 4.0);
    QCOMPARE(model::median({9.0, 1.0, 5.0}), 5.0);
    QCOMPARE(model::median({9.0, 1.0}), 5.0);
    QCOMPARE(model::median({8.0, 1.0, 3.0, 100.0}), 5.5);
    QCOMPARE(model::median({2.0, 2.0, 2.0, 2.0}), 2.0);
    QCOMPARE(model::median({-1.0, -7.0, -3.0, -5.0, -9.0}), -5.0);
  }

  /// Of 1, 2, 3, 4: 2.5, and squares of 1.5 and 0.5 twice over 3 and 4.
  void means() {
    const model::Mean mean = model::meanOf(std::span<const float>(std::vector{1.0f, 2.0f, 3.0f, 4.0f}));
    QCOMPARE(mean.value, 2.5);
    QCOMPARE(mean.standardError, std::sqrt(5.0 / 12.0));
    const model::Mean one = model::meanOf(std::span<const double>(std::vector{7.0}));
    QCOMPARE(one.value, 7.0);
    QVERIFY(std::isinf(one.standardError));
  }

  /// ||(3, 4) - (3, 0)|| / ||(3, 0)|| = 4/3, and so on.
  void relativeErrors() {
    const std::vector<float> actual{3.0f, 4.0f};
    const std::vector<double> expected{3.0, 0.0};
    const auto error = [](const std::vector<float>& a, const std::vector<double>& b) {
      return model::relativeError(std::span(a), std::span(b));
    };
    QCOMPARE(error(actual, expected), 4.0 / 3.0);
    QCOMPARE(error({0.0f, 0.0f}, {6.0, 8.0}), 1.0);
    QCOMPARE(error({6.0f, 8.5f}, {6.0, 8.0}), 0.05);
    QCOMPARE(error(actual, {3.0, 4.0}), 0.0);
  }

  /// Each is larger than any limit, so that a test that compares with one fails.
  void whatSaysNothingIsInfinite_data() {
    QTest::addColumn<std::vector<float>>("actual");
    QTest::addColumn<std::vector<float>>("expected");
    using Row = std::vector<float>;
    QTest::newRow("nothing") << Row{} << Row{};
    QTest::newRow("one value less") << Row{1.0f} << Row{1.0f, 2.0f};
    QTest::newRow("NaN") << Row{NAN, 2.0f} << Row{1.0f, 2.0f};
    QTest::newRow("NaN expected") << Row{1.0f, 2.0f} << Row{1.0f, NAN};
    QTest::newRow("zeros expected, zeros there") << Row{0.0f} << Row{0.0f};
    QTest::newRow("zeros expected, a value there") << Row{1.0f} << Row{0.0f};
  }
  void whatSaysNothingIsInfinite() {
    QFETCH(std::vector<float>, actual);
    QFETCH(std::vector<float>, expected);
    QVERIFY(
        std::isinf(model::relativeError(std::span<const float>(actual), std::span<const float>(expected))));
  }
};

QTEST_GUILESS_MAIN(TestStatistics)
#include "tst_statistics.moc"
