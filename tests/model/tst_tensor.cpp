#include <QTest>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/model/config.h"
#include "core/model/tensor.h"

using namespace headroom::model;

class TstTensor : public QObject {
  Q_OBJECT

 private slots:
  void everyHalfRoundTrips() {
    for (std::uint32_t half = 0; half <= 0xFFFF; ++half) {
      const auto bits = static_cast<std::uint16_t>(half);
      const float value = halfToFloat(bits);
      if (std::isnan(value)) {
        QVERIFY(std::isnan(halfToFloat(floatToHalf(value))));
      } else {
        QCOMPARE(floatToHalf(value), bits);
      }
    }
  }

  // Values from IEEE 754-2008's definition of binary16.
  void halves_data() {
    QTest::addColumn<float>("value");
    QTest::addColumn<int>("bits");
    QTest::newRow("one") << 1.0f << 0x3C00;
    QTest::newRow("minus two") << -2.0f << 0xC000;
    QTest::newRow("largest") << 65504.0f << 0x7BFF;
    QTest::newRow("rounds to largest") << 65519.0f << 0x7BFF;
    QTest::newRow("overflows") << 65520.0f << 0x7C00;
    QTest::newRow("smallest normal") << 0x1.0p-14f << 0x0400;
    QTest::newRow("smallest subnormal") << 0x1.0p-24f << 0x0001;
    QTest::newRow("half of it ties to even, zero") << 0x1.0p-25f << 0x0000;
    QTest::newRow("tie to even, down") << 1.0f + 0x1.0p-11f << 0x3C00;
    QTest::newRow("tie to even, up") << 1.0f + 3 * 0x1.0p-11f << 0x3C02;
    QTest::newRow("subnormal rounds up to normal") << 0x1.FFFp-15f << 0x0400;
    QTest::newRow("minus zero") << -0.0f << 0x8000;
  }
  void halves() {
    QFETCH(float, value);
    QFETCH(int, bits);
    QCOMPARE(static_cast<int>(floatToHalf(value)), bits);
  }

  void rows() {
    QCOMPARE(rowBytes(Storage::F32, 96), 384ull);
    QCOMPARE(rowBytes(Storage::F16, 96), 192ull);
    QCOMPARE(rowBytes(Storage::Q8_0, 96), 102ull);
    std::vector<std::byte> bytes(2 * 34);
    const std::uint16_t half = floatToHalf(0.5f);
    std::memcpy(bytes.data() + 34, &half, 2);
    bytes[34 + 2] = std::byte{0x80};  // -128
    bytes[34 + 2 + 31] = std::byte{3};
    const Tensor tensor{Storage::Q8_0, 2, 32, bytes};
    std::vector<float> row(32);
    tensor.readRow(1, row);
    QCOMPARE(row[0], -64.0f);
    QCOMPARE(row[31], 1.5f);
    tensor.readRow(0, row);
    QCOMPARE(row[0], 0.0f);
  }

  // 2 (K and V) x 80 layers x KV heads x 128 values x 2048 positions x 2 bytes (f16), one sequence; 64 query
  // heads.
  void cacheFormula_data() {
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<quint64>("bytes");
    QTest::addColumn<QString>("kind");
    QTest::newRow("MHA") << 64 << quint64{5'368'709'120} << "MHA";
    QTest::newRow("GQA-8") << 8 << quint64{671'088'640} << "GQA";
    QTest::newRow("MQA") << 1 << quint64{83'886'080} << "MQA";
  }
  void cacheFormula() {
    QFETCH(int, kvHeads);
    QFETCH(quint64, bytes);
    QFETCH(QString, kind);
    ModelConfig config;
    config.layerCount = 80;
    config.attention = {.queryHeadCount = 64, .kvHeadCount = kvHeads, .headDim = 128};
    QCOMPARE(static_cast<quint64>(kvCacheBytes(config, KvType::F16, 2048)), bytes);
    QCOMPARE(static_cast<quint64>(kvCacheBytes(config, KvType::F32, 2048, 3)), bytes * 6);
    const std::string_view name = shortName(config.attention.kind());
    QCOMPARE(QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())), kind);
  }
};

QTEST_GUILESS_MAIN(TstTensor)
#include "tst_tensor.moc"
