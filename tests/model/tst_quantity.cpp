#include <QTest>
#include <limits>

#include "core/model/quantity.h"

using namespace headroom::model;

/// How numbers are written for people.
class TestQuantity : public QObject {
  Q_OBJECT

 private slots:
  void digits() {
    QCOMPARE(groupDigits(0), std::string("0"));
    QCOMPARE(groupDigits(999), std::string("999"));
    QCOMPARE(groupDigits(1024), std::string("1,024"));
    QCOMPARE(groupDigits(-65536), std::string("-65,536"));
    QCOMPARE(groupDigits(-100), std::string("-100"));
    QCOMPARE(groupDigits(5'368'709'120), std::string("5,368,709,120"));
    QCOMPARE(groupDigits(std::numeric_limits<std::uint64_t>::max()),
             std::string("18,446,744,073,709,551,615"));
    QCOMPARE(groupDigits(std::numeric_limits<std::int64_t>::min()),
             std::string("-9,223,372,036,854,775,808"));
  }

  void decimals() {
    QCOMPARE(fixedText(-1234.5, 1), std::string("-1,234.5"));
    QCOMPARE(fixedText(1234567.0, 0), std::string("1,234,567"));
    QCOMPARE(fixedText(0.25, 2), std::string("0.25"));
    QCOMPARE(fixedText(123.4567, 4), std::string("123.4567"));
  }

  void shares() {
    QCOMPARE(shareText(0.9), std::string("0.900"));
    QCOMPARE(shareText(1.0), std::string("1.00"));
    QCOMPARE(shareText(0.0123), std::string("0.0123"));
    QCOMPARE(shareText(0.99999), std::string("1.00"));
    QCOMPARE(shareText(0.001), std::string("0.00100"));
    QCOMPARE(shareText(3.4e-5), std::string("3.40e-5"));
    QCOMPARE(shareText(0.0), std::string("0"));
  }

  void units() {
    QCOMPARE(bytesText(950), std::string("950 B"));
    QCOMPARE(bytesText(8192), std::string("8.19 kB"));
    QCOMPARE(bytesText(12'600'000), std::string("12.6 MB"));
    QCOMPARE(bytesText(999'600), std::string("1.00 MB"));
    QCOMPARE(bytesText(1ull << 30), std::string("1.07 GB"));
    QCOMPARE(countText(2'750'000), std::string("2.75 M"));
    QCOMPARE(countText(96), std::string("96"));
    QCOMPARE(ratioText(8.0), std::string("8"));
    QCOMPARE(ratioText(8.0 / 3.0), std::string("2.67"));
    QCOMPARE(millisecondsText(0.0842), std::string("0.084 ms"));
    QCOMPARE(millisecondsText(13.84), std::string("13.8 ms"));
    QCOMPARE(millisecondsText(1250), std::string("1,250 ms"));
    QCOMPARE(tokenRateText(59.94), std::string("59.9"));
    QCOMPARE(tokenRateText(99.97), std::string("100"));
    QCOMPARE(tokenRateText(1234.5), std::string("1,234"));
    QCOMPARE(percentText(0.0824), std::string("8.2 %"));
    QCOMPARE(percentText(0.0996), std::string("10 %"));
    QCOMPARE(percentText(0.41), std::string("41 %"));
  }

  /// What adds up to a whole is shown so, and what is there is never shown as nothing.
  void percentsAddUp() {
    using Texts = std::vector<std::string>;
    const auto texts = [](std::vector<double> parts) { return percentTexts(parts); };
    QCOMPARE(texts({1.0, 1.0, 1.0}), (Texts{"34 %", "33 %", "33 %"}));
    QCOMPARE(texts({0.125, 0.125, 0.75}), (Texts{"13 %", "12 %", "75 %"}));
    QCOMPARE(texts({2.0, 0.0}), (Texts{"100 %", "0 %"}));
    QCOMPARE(texts({2.497, 0.003}), (Texts{"> 99 %", "< 1 %"}));
    // Two of 0.7 % are 1 % together.
    QCOMPARE(texts({0.7, 98.6, 0.7}), (Texts{"< 1 %", "99 %", "< 1 %"}));
    QCOMPARE(texts({60.2, 39.5, 0.3}), (Texts{"60 %", "40 %", "< 1 %"}));
    QCOMPARE(texts({0.0, 0.0}), (Texts{"0 %", "0 %"}));
    QCOMPARE(texts({}), Texts{});
  }
};

QTEST_GUILESS_MAIN(TestQuantity)
#include "tst_quantity.moc"
