#include <QTest>
#include <cmath>
#include <cstring>
#include <random>

#include "core/model/tensor.h"

using namespace headroom::model;

Q_DECLARE_METATYPE(headroom::model::Storage)

namespace {
using Block = std::vector<std::uint8_t>;

/// A slow second decoder, written from ggml's block layouts: every number is put together bit by bit, and the
/// value is computed in double precision, where it is exact.
struct SlowDecoder {
  const Block& block;

  int bits(int byte, int firstBit, int count) const {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      const int at = byte * 8 + firstBit + i;
      value |= (block[static_cast<std::size_t>(at / 8)] >> (at % 8) & 1) << i;
    }
    return value;
  }
  int signedByte(int byte) const {
    const int value = bits(byte, 0, 8);
    return value < 128 ? value : value - 256;
  }
  double half(int byte) const {
    const int exponent = bits(byte, 10, 5);
    const double mantissa = bits(byte, 0, 10);
    const double value =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
    return bits(byte, 15, 1) ? -value : value;
  }
  int nibble(int firstByte, int i) const { return bits(firstByte + i % 16, i / 16 * 4, 4); }
  int fiveBits(int highByte, int firstByte, int i) const {
    return nibble(firstByte, i) + 16 * bits(highByte, i, 1);
  }
  int packedScale(int group) const {
    return group < 4 ? bits(4 + group, 0, 6) : bits(8 + group, 0, 4) + 16 * bits(group, 6, 2);
  }
  int packedMinimum(int group) const {
    return group < 4 ? bits(8 + group, 0, 6) : bits(8 + group, 4, 4) + 16 * bits(4 + group, 6, 2);
  }
  int q3Scale(int group) const {
    return bits(96 + group % 8, group < 8 ? 0 : 4, 4) + 16 * bits(104 + group % 4, group / 4 * 2, 2) - 32;
  }

  double element(Storage storage, int i) const {
    const int twoBitByte = i / 128 * 32 + i % 32;  // of Q2_K and Q3_K
    const int twoBitShift = i % 128 / 32 * 2;
    const int fourBitByte = i / 64 * 32 + i % 32;  // of Q4_K and Q5_K
    const int fourBitShift = i % 64 / 32 * 4;
    switch (storage) {
      case Storage::Q8_0:
        return half(0) * signedByte(2 + i);
      case Storage::Q4_0:
        return half(0) * (nibble(2, i) - 8);
      case Storage::Q4_1:
        return half(0) * nibble(4, i) + half(2);
      case Storage::Q5_0:
        return half(0) * (fiveBits(2, 6, i) - 16);
      case Storage::Q5_1:
        return half(0) * fiveBits(4, 8, i) + half(2);
      case Storage::Q2_K:
        return half(80) * bits(i / 16, 0, 4) * bits(16 + twoBitByte, twoBitShift, 2) -
               half(82) * bits(i / 16, 4, 4);
      case Storage::Q3_K:
        return half(108) * q3Scale(i / 16) *
               (bits(32 + twoBitByte, twoBitShift, 2) - (bits(i % 32, i / 32, 1) ? 0 : 4));
      case Storage::Q4_K:
        return half(0) * packedScale(i / 32) * bits(16 + fourBitByte, fourBitShift, 4) -
               half(2) * packedMinimum(i / 32);
      case Storage::Q5_K:
        return half(0) * packedScale(i / 32) *
                   (bits(48 + fourBitByte, fourBitShift, 4) + 16 * bits(16 + i % 32, i / 32, 1)) -
               half(2) * packedMinimum(i / 32);
      case Storage::Q6_K:
        return half(208) * signedByte(192 + i / 16) *
               (bits(i / 128 * 64 + i % 64, i % 128 / 64 * 4, 4) +
                16 * bits(128 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2) - 32);
      default:
        return NAN;
    }
  }
};

void setHalf(Block& block, std::size_t at, std::uint16_t bits) {
  std::memcpy(block.data() + at, &bits, sizeof bits);
}

std::vector<float> decoded(Storage storage, const Block& blocks, std::size_t count) {
  std::vector<float> values(count);
  decodeRow(storage, reinterpret_cast<const std::byte*>(blocks.data()), values);
  return values;
}

}  // namespace

class TstBlockFormats : public QObject {
  Q_OBJECT

 private slots:
  // Numbers, elements and bytes of a block as ggml's ggml.h and ggml-common.h state them.
  void table_data() {
    QTest::addColumn<Storage>("storage");
    QTest::addColumn<int>("ggufType");
    QTest::addColumn<int>("elements");
    QTest::addColumn<int>("bytes");
    QTest::newRow("F32") << Storage::F32 << 0 << 1 << 4;
    QTest::newRow("F16") << Storage::F16 << 1 << 1 << 2;
    QTest::newRow("BF16") << Storage::BF16 << 30 << 1 << 2;
    QTest::newRow("Q4_0") << Storage::Q4_0 << 2 << 32 << 18;
    QTest::newRow("Q4_1") << Storage::Q4_1 << 3 << 32 << 20;
    QTest::newRow("Q5_0") << Storage::Q5_0 << 6 << 32 << 22;
    QTest::newRow("Q5_1") << Storage::Q5_1 << 7 << 32 << 24;
    QTest::newRow("Q8_0") << Storage::Q8_0 << 8 << 32 << 34;
    QTest::newRow("Q2_K") << Storage::Q2_K << 10 << 256 << 84;
    QTest::newRow("Q3_K") << Storage::Q3_K << 11 << 256 << 110;
    QTest::newRow("Q4_K") << Storage::Q4_K << 12 << 256 << 144;
    QTest::newRow("Q5_K") << Storage::Q5_K << 13 << 256 << 176;
    QTest::newRow("Q6_K") << Storage::Q6_K << 14 << 256 << 210;
  }
  void table() {
    QFETCH(Storage, storage);
    QFETCH(int, ggufType);
    QFETCH(int, elements);
    QFETCH(int, bytes);
    QCOMPARE(std::string(shortName(storage)), std::string(QTest::currentDataTag()));
    QCOMPARE(static_cast<int>(formatOf(storage).ggufType), ggufType);
    QCOMPARE(blockElements(storage), elements);
    QCOMPARE(static_cast<int>(rowBytes(storage, static_cast<std::uint64_t>(elements))), bytes);
    QCOMPARE(static_cast<int>(rowBytes(storage, 7ull * static_cast<std::uint64_t>(elements))), 7 * bytes);
  }

  // A block of zero bytes but for those listed; the values were computed by hand.
  void byHand_data() {
    QTest::addColumn<Storage>("storage");
    QTest::addColumn<QList<QPair<int, int>>>("bytes");
    QTest::addColumn<QList<QPair<int, float>>>("values");
    using Bytes = QList<QPair<int, int>>;
    using Values = QList<QPair<int, float>>;
    // The scale of 1 is 0x3C00; of 0.25 0x3400; of -2 0xC000.
    QTest::newRow("Q8_0, -128") << Storage::Q8_0 << Bytes{{1, 0x34}, {2, 0x80}, {3, 127}, {33, 1}}
                                << Values{{0, -32.0f}, {1, 31.75f}, {31, 0.25f}, {2, 0.0f}};
    QTest::newRow("Q4_0") << Storage::Q4_0 << Bytes{{1, 0x34}, {2, 0x3F}, {17, 0xF0}}
                          << Values{{0, 1.75f}, {16, -1.25f}, {15, -2.0f}, {31, 1.75f}};
    QTest::newRow("Q4_1") << Storage::Q4_1 << Bytes{{1, 0x34}, {3, 0xC0}, {4, 0x3F}}
                          << Values{{0, 1.75f}, {16, -1.25f}, {1, -2.0f}};
    QTest::newRow("Q5_0") << Storage::Q5_0 << Bytes{{1, 0x3C}, {2, 0x01}, {4, 0x01}, {5, 0x80}, {6, 0x4F}}
                          << Values{{0, 15.0f}, {16, 4.0f}, {1, -16.0f}, {31, 0.0f}};
    QTest::newRow("Q5_1") << Storage::Q5_1 << Bytes{{1, 0x3C}, {3, 0xC0}, {4, 0x02}, {8, 0x05}, {9, 0x51}}
                          << Values{{0, 3.0f}, {1, 15.0f}, {17, 3.0f}, {31, -2.0f}};
    // Group 9 is elements 144 to 159: bytes 64 to 79 of the block, lowest two bits.
    QTest::newRow("Q2_K") << Storage::Q2_K << Bytes{{81, 0x3C}, {83, 0x34}, {9, 0x83}, {64, 0x03}, {79, 0x01}}
                          << Values{{144, 7.0f}, {159, 1.0f}, {145, -2.0f}, {0, 0.0f}};
    // Group 0: scale 33 - 32 = 1; element 0 has all three bits, element 1 none. Group 15 keeps -32.
    QTest::newRow("Q3_K") << Storage::Q3_K
                          << Bytes{{109, 0x3C}, {96, 0x01}, {104, 0x02}, {32, 0x03}, {0, 0x01}}
                          << Values{{0, 3.0f}, {1, -4.0f}, {255, 128.0f}};
    // Group 1: scale 5, minimum 3; elements 32 to 63 are the upper halves of bytes 16 to 47.
    QTest::newRow("Q4_K") << Storage::Q4_K << Bytes{{1, 0x3C}, {3, 0x34}, {5, 5}, {9, 3}, {16, 0xF2}}
                          << Values{{0, 0.0f}, {32, 74.25f}, {33, -0.75f}};
    // Group 7: scale 2 + 16 x 3 = 50 (bits 6 and 7 of byte 7), minimum 1 + 16 x 1 = 17.
    QTest::newRow("Q4_K, upper groups")
        << Storage::Q4_K << Bytes{{1, 0x3C}, {3, 0x3C}, {7, 0xC0}, {11, 0x40}, {15, 0x12}, {143, 0x10}}
        << Values{{255, 33.0f}, {254, -17.0f}, {96, 0.0f}};
    QTest::newRow("Q5_K") << Storage::Q5_K << Bytes{{1, 0x3C}, {5, 5}, {16, 0x02}, {48, 0xF0}}
                          << Values{{32, 155.0f}, {0, 0.0f}, {33, 0.0f}};
    // Scale -128 of group 8; element 128 is nibble 15 with upper bits 1: 31 - 32.
    QTest::newRow("Q6_K, -128") << Storage::Q6_K << Bytes{{209, 0x3C}, {200, 0x80}, {64, 0x0F}, {160, 0x01}}
                                << Values{{128, 128.0f}, {129, 4096.0f}, {0, 0.0f}};
  }
  void byHand() {
    QFETCH(Storage, storage);
    using Bytes = QList<QPair<int, int>>;
    using Values = QList<QPair<int, float>>;
    QFETCH(Bytes, bytes);
    QFETCH(Values, values);
    Block block(static_cast<std::size_t>(formatOf(storage).blockBytes));
    for (const auto& [at, value] : bytes)
      block[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
    const std::vector<float> actual =
        decoded(storage, block, static_cast<std::size_t>(blockElements(storage)));
    for (const auto& [element, value] : values) {
      QVERIFY2(actual[static_cast<std::size_t>(element)] == value,
               qPrintable(
                   QString("element %1 is %2").arg(element).arg(actual[static_cast<std::size_t>(element)])));
    }
  }

  void blockStorages_data() {
    QTest::addColumn<Storage>("storage");
    for (const StorageFormat& format : storageFormats()) {
      if (format.blockElements > 1) QTest::newRow(std::string(format.name).c_str()) << format.storage;
    }
  }

  void randomBlocksAgreeWithTheSlowDecoder_data() { blockStorages_data(); }
  void randomBlocksAgreeWithTheSlowDecoder() {
    QFETCH(Storage, storage);
    const StorageFormat& format = formatOf(storage);
    const auto elements = static_cast<std::size_t>(format.blockElements);
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
      Block block(static_cast<std::size_t>(format.blockBytes));
      for (std::uint8_t& byte : block) byte = static_cast<std::uint8_t>(random());
      for (int i = 0; i < format.scaleCount; ++i) {
        // Any finite half: the exponent 31 is made 15.
        auto bits = static_cast<std::uint16_t>(random());
        if ((bits & 0x7C00) == 0x7C00) bits ^= 0x4000;
        setHalf(block, static_cast<std::size_t>(format.scaleOffset + 2 * i), bits);
      }
      const std::vector<float> actual = decoded(storage, block, elements);
      const SlowDecoder slow{block};
      for (std::size_t i = 0; i < elements; ++i) {
        const auto expected = static_cast<float>(slow.element(storage, static_cast<int>(i)));
        QVERIFY2(actual[i] == expected, qPrintable(QString("round %1, element %2: %3, expected %4")
                                                       .arg(round)
                                                       .arg(i)
                                                       .arg(double{actual[i]})
                                                       .arg(double{expected})));
      }
    }
  }

  void extremeScales_data() { blockStorages_data(); }
  void extremeScales() {
    QFETCH(Storage, storage);
    const StorageFormat& format = formatOf(storage);
    const auto elements = static_cast<std::size_t>(format.blockElements);
    for (std::uint16_t bits : {0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF}) {
      for (std::uint8_t fill : {0x00, 0x80, 0x7F, 0xFF}) {
        Block block(static_cast<std::size_t>(format.blockBytes), fill);
        for (int i = 0; i < format.scaleCount; ++i) {
          setHalf(block, static_cast<std::size_t>(format.scaleOffset + 2 * i), bits);
        }
        const std::vector<float> actual = decoded(storage, block, elements);
        const SlowDecoder slow{block};
        for (std::size_t i = 0; i < elements; ++i) {
          QVERIFY(std::isfinite(actual[i]));
          QCOMPARE(actual[i], static_cast<float>(slow.element(storage, static_cast<int>(i))));
        }
      }
    }
  }

  void rowsAndViews_data() { blockStorages_data(); }
  void rowsAndViews() {
    QFETCH(Storage, storage);
    const StorageFormat& format = formatOf(storage);
    const std::int64_t columns = 2 * format.blockElements;
    constexpr std::int64_t kRows = 5;
    Block all(rowBytes(storage, static_cast<std::uint64_t>(columns)) * kRows);
    std::mt19937 random(11);
    for (std::uint8_t& byte : all) byte = static_cast<std::uint8_t>(random() % 32);  // small, finite scales
    const Tensor tensor{storage, kRows, columns, std::as_bytes(std::span(all))};
    const std::vector<float> whole = tensor.toFloat();
    const auto blockBytes = static_cast<std::size_t>(format.blockBytes);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const std::size_t block = i / static_cast<std::size_t>(format.blockElements);
      const Block one(all.begin() + static_cast<std::ptrdiff_t>(block * blockBytes),
                      all.begin() + static_cast<std::ptrdiff_t>((block + 1) * blockBytes));
      const int element = static_cast<int>(i) % format.blockElements;
      QCOMPARE(whole[i], static_cast<float>(SlowDecoder{one}.element(storage, element)));
    }
    const std::vector<float> middle = tensor.rowsFrom(1, 3).toFloat();
    QVERIFY(std::equal(middle.begin(), middle.end(), whole.begin() + columns));
    const Tensor vector{storage, 1, 5 * columns, tensor.bytes};
    const std::vector<float> part = vector.columnsFrom(format.blockElements, columns).toFloat();
    QCOMPARE(part.size(), static_cast<std::size_t>(columns));
    QVERIFY(std::equal(part.begin(), part.end(), whole.begin() + format.blockElements));
  }

  void viewsOfFloats() {
    const std::vector<float> values = {1, 2, 3, 4, 5, 6};
    const Tensor matrix{Storage::F32, 3, 2, std::as_bytes(std::span(values))};
    QVERIFY(matrix.rowsFrom(1, 2).toFloat() == std::vector<float>({3, 4, 5, 6}));
    QVERIFY(matrix.rowsFrom(3, 0).toFloat().empty());
    const Tensor vector{Storage::F32, 1, 6, std::as_bytes(std::span(values))};
    QVERIFY(vector.columnsFrom(2, 3).toFloat() == std::vector<float>({3, 4, 5}));
  }

  // BF16 is a binary32 without its lower 16 bits, rounded to nearest even.
  void bfloat16_data() {
    QTest::addColumn<float>("value");
    QTest::addColumn<int>("bits");
    QTest::newRow("one") << 1.0f << 0x3F80;
    QTest::newRow("minus two and a half") << -2.5f << 0xC020;
    QTest::newRow("tie to even, down") << 1.0f + 0x1p-8f << 0x3F80;
    QTest::newRow("tie to even, up") << 1.0f + 3 * 0x1p-8f << 0x3F82;
    QTest::newRow("above the tie") << 1.0f + 0x1p-8f + 0x1p-20f << 0x3F81;
    QTest::newRow("overflows") << std::numeric_limits<float>::max() << 0x7F80;
    QTest::newRow("infinity") << -INFINITY << 0xFF80;
    QTest::newRow("smallest normal") << 0x1p-126f << 0x0080;
  }
  void bfloat16() {
    QFETCH(float, value);
    QFETCH(int, bits);
    QCOMPARE(static_cast<int>(floatToBfloat16(value)), bits);
    QVERIFY(std::isnan(bfloat16ToFloat(floatToBfloat16(NAN))));
  }

  void bfloat16RowsRoundTrip() {
    const std::vector<float> row = {0.0f, 1.5f, -3.25f, 0x1p100f};
    std::string bytes;
    appendRow(Storage::BF16, row, bytes);
    QCOMPARE(bytes.size(), std::size_t{8});
    QVERIFY((Tensor{Storage::BF16, 1, 4, std::as_bytes(std::span(bytes))}.toFloat() == row));
  }
};

QTEST_GUILESS_MAIN(TstBlockFormats)
#include "tst_block_formats.moc"
