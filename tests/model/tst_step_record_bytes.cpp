#include <QTest>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/model/error.h"
#include "core/model/step_record_bytes.h"

using namespace headroom;
using model::StepRecord;

namespace {

using Bytes = std::vector<std::byte>;

/// Bytes of hexadecimal digits; spaces do not count.
Bytes bytesOf(std::string_view digits) {
  Bytes bytes;
  std::string pair;
  for (const char digit : digits) {
    if (digit == ' ') continue;
    pair += digit;
    if (pair.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoi(pair, nullptr, 16)));
    pair.clear();
  }
  return bytes;
}

/// A record of version 1, written out by hand: this is the format. It stays readable for ever; when a later
/// version is the one that is written, its own bytes stand beside these.
constexpr std::string_view kVersion1 =
    "68 65 61 64 73 74 65 70  01000000  8001000000000000"  // "headstep", version 1, 384 bytes follow
    "02000000 05000000 2c010000"                           // 2 tokens: 5, 300
    "07000000 0000000000000440 000000000000f43f"           // position 7; wall time 2.5, device 1.25
    "02000000"                                             // 2 stages
    "02000000 00000000 000000000000e03f"                   // AttentionDecode, layer 0, 0.5 ms
    "0100000000000000 0200000000000000 0300000000000000"   // issued 1 to 6
    "0400000000000000 0500000000000000 0600000000000000"
    "0700000000000000 0800000000000000 0900000000000000"  // logical 7 to 12
    "0a00000000000000 0b00000000000000 0c00000000000000"
    "03000000"                                            // 3 dispatches
    "06000000 ffffffff 000000000000d03f"                  // Logits, layer -1, 0.25 ms
    "0000000000000000 0000000000000000 0000000000000000"  // issued: 2^32 of capture
    "0000000000000000 0000000000000000 0000000001000000"
    "ff00000000000000 0000000000000000 0000000000000000"  // logical: 255 of weights
    "0000000000000000 0000000000000000 0000000000000000"
    "01000000"                                                             // 1 dispatch
    "000000000000f03f 000000000000e03f 000000000000d0bf 0000000000001040"  // overhead 1, 0.5, -0.25, 4
    "0010000000000000 0000010000000000"                                    // cache: 4,096 of 65,536 bytes
    "01000000 03000000 01000000 01000000"                                  // layer 3; head 1
    "02000000 07000000 08000000 02000000"           // 2 rows from position 7, pooling 8, stride 2
    "04000000 0000803f 00000000 0000003f 0000803e"  // 4 values: 1, 0, 0.5, 0.25
    "01000000 09000000 0000403f"                    // a candidate: token 9, 0.75
    "0000c03f";                                     // entropy 1.5

/// What kVersion1 holds.
StepRecord version1Record() {
  using model::Stage;
  StepRecord record;
  record.tokens = {5, 300};
  record.position = 7;
  record.wallTimeMs = 2.5;
  record.deviceMs = 1.25;
  record.stages = {
      {Stage::AttentionDecode, 0, 0.5, {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}, 3},
      {Stage::Logits, -1, 0.25, {.captureWritten = 1ull << 32}, {.weightsRead = 255}, 1},
  };
  record.overhead = {1.0, 0.5, -0.25, 4.0};
  record.cacheBytesUsed = 4096;
  record.cacheBytesAllocated = 65536;
  record.attention = {{3}, {1}, 2, 7, 8, 2, {1.0f, 0.0f, 0.5f, 0.25f}};
  record.candidates = {{9, 0.75f}};
  record.nextTokenEntropy = 1.5f;
  return record;
}

/// What version 2 puts behind the fields of version 1, written out by hand.
constexpr std::string_view kBehindVersion1 =
    "01000000 00000000 05000000 07000000"           // a row: sequence 0, token 5, position 7
    "01000000 04000000 02000000 01000000 07000000"  // head outputs of layer 2, 1 row from position 7,
    "02000000 02000000 0000803f 0000003f"           // 2 columns: 1, 0.5
    "01000000 00000000 00000040 0000003f"           // the summary of row 0: log-sum-exp 2, entropy 0.5,
    "01000000 09000000 0000c03f"                    // top: token 9, logit 1.5
    "01000000 000080be";                            // the target's log-probability: -0.25

/// kVersion1 as version 2: another version and length, 384 + 88 bytes, and what is new.
Bytes version2Bytes() {
  Bytes bytes = bytesOf(kVersion1);
  bytes[8] = std::byte{2};
  bytes[12] = std::byte{0xd8};
  const Bytes behind = bytesOf(kBehindVersion1);
  bytes.insert(bytes.end(), behind.begin(), behind.end());
  return bytes;
}

StepRecord version2Record() {
  StepRecord record = version1Record();
  record.rows = {{.sequence = 0, .token = 5, .position = 7}};
  record.activations = {{.point = model::CapturePoint::HeadOutputs,
                         .layer = 2,
                         .rowCount = 1,
                         .firstPosition = 7,
                         .columns = 2,
                         .values = {1.0f, 0.5f}}};
  record.summaries = {
      {.row = 0, .logSumExp = 2.0f, .entropy = 0.5f, .top = {{9, 1.5f}}, .targetLogProbability = -0.25f}};
  return record;
}

/// Every stage, several layers and heads, and the ends of each number's range.
StepRecord largeRecord() {
  StepRecord record;
  for (int token = 0; token < 4; ++token) record.tokens.push_back(1000 * token);
  record.tokens.back() = std::numeric_limits<int>::max();
  record.position = 60;
  record.wallTimeMs = std::numeric_limits<double>::max();
  record.deviceMs = std::numeric_limits<double>::denorm_min();
  for (int stage = 0; stage < model::kStageCount; ++stage) {
    const auto bytes = static_cast<std::uint64_t>(stage) + 1;
    record.stages.push_back({static_cast<model::Stage>(stage),
                             stage - 1,
                             0.1 * stage,
                             {bytes, ~bytes, bytes << 40, 0, 1, 2},
                             {3, bytes, 4, bytes * 7, 5, ~0ull},
                             stage});
  }
  record.overhead = {0.1, 0.2, 0.3, 0.4};
  record.cacheBytesUsed = ~0ull - 1;
  record.cacheBytesAllocated = ~0ull;
  record.attention = {.layers = {0, 5},
                      .queryHeads = {1, 2, 31},
                      .rowCount = 4,
                      .firstPosition = 60,
                      .pooling = 1,
                      .rowStride = 64};
  for (int value = 0; value < 2 * 3 * 4 * 64; ++value) {
    record.attention.values.push_back(static_cast<float>(value) / 1536.0f);
  }
  for (int token = 0; token < 10; ++token) record.candidates.push_back({token * token, 1.0f / (token + 2)});
  record.nextTokenEntropy = 11.7f;
  record.rows = {{0, 5, 60}, {3, 7, 12}};
  record.activations = {{model::CapturePoint::Residual, 0, 2, 60, 3, {1, 2, 3, 4, 5, 6}},
                        {model::CapturePoint::SoftmaxExtents, 5, 1, 60, 1, {0.25f}}};
  record.summaries = {{1, 3.5f, 0.25f, {{4, 1.0f}, {2, 0.5f}}, std::nullopt}, {2, 1.0f, 0.5f, {}, -8.0f}};
  return record;
}

void compareStages(const std::vector<model::StageRecord>& actual,
                   const std::vector<model::StageRecord>& expected) {
  QCOMPARE(actual.size(), expected.size());
  for (std::size_t stage = 0; stage < expected.size(); ++stage) {
    QVERIFY(actual[stage].stage == expected[stage].stage);
    QCOMPARE(actual[stage].layer, expected[stage].layer);
    QVERIFY(actual[stage].gpuTimeMs == expected[stage].gpuTimeMs);
    QVERIFY(actual[stage].issued == expected[stage].issued);
    QVERIFY(actual[stage].logical == expected[stage].logical);
    QCOMPARE(actual[stage].dispatchCount, expected[stage].dispatchCount);
  }
}

void compareAttention(const model::AttentionRows& actual, const model::AttentionRows& expected) {
  QVERIFY(actual.layers == expected.layers);
  QVERIFY(actual.queryHeads == expected.queryHeads);
  QCOMPARE(actual.rowCount, expected.rowCount);
  QCOMPARE(actual.firstPosition, expected.firstPosition);
  QCOMPARE(actual.pooling, expected.pooling);
  QCOMPARE(actual.rowStride, expected.rowStride);
  QVERIFY(actual.values == expected.values);
}

void compareSummaries(const std::vector<model::LogitsSummary>& actual,
                      const std::vector<model::LogitsSummary>& expected) {
  QCOMPARE(actual.size(), expected.size());
  for (std::size_t index = 0; index < expected.size(); ++index) {
    QCOMPARE(actual[index].row, expected[index].row);
    QVERIFY(actual[index].logSumExp == expected[index].logSumExp);
    QVERIFY(actual[index].entropy == expected[index].entropy);
    QVERIFY(actual[index].targetLogProbability == expected[index].targetLogProbability);
    QCOMPARE(actual[index].top.size(), expected[index].top.size());
    for (std::size_t token = 0; token < expected[index].top.size(); ++token) {
      QCOMPARE(actual[index].top[token].token, expected[index].top[token].token);
      QVERIFY(actual[index].top[token].logit == expected[index].top[token].logit);
    }
  }
}

void compareRecords(const StepRecord& actual, const StepRecord& expected) {
  QVERIFY(actual.rows == expected.rows);
  QCOMPARE(actual.activations.size(), expected.activations.size());
  for (std::size_t index = 0; index < expected.activations.size(); ++index) {
    const model::Activations& a = actual.activations[index];
    const model::Activations& b = expected.activations[index];
    QVERIFY(a.point == b.point && a.layer == b.layer && a.rowCount == b.rowCount);
    QVERIFY(a.firstPosition == b.firstPosition && a.columns == b.columns && a.values == b.values);
  }
  compareSummaries(actual.summaries, expected.summaries);
  QVERIFY(actual.tokens == expected.tokens);
  QCOMPARE(actual.position, expected.position);
  QVERIFY(actual.wallTimeMs == expected.wallTimeMs);
  QVERIFY(actual.deviceMs == expected.deviceMs);
  compareStages(actual.stages, expected.stages);
  QVERIFY(actual.overhead.prepareMs == expected.overhead.prepareMs);
  QVERIFY(actual.overhead.setupMs == expected.overhead.setupMs);
  QVERIFY(actual.overhead.submitMs == expected.overhead.submitMs);
  QVERIFY(actual.overhead.readBackMs == expected.overhead.readBackMs);
  QCOMPARE(actual.cacheBytesUsed, expected.cacheBytesUsed);
  QCOMPARE(actual.cacheBytesAllocated, expected.cacheBytesAllocated);
  compareAttention(actual.attention, expected.attention);
  QCOMPARE(actual.candidates.size(), expected.candidates.size());
  for (std::size_t index = 0; index < expected.candidates.size(); ++index) {
    QCOMPARE(actual.candidates[index].token, expected.candidates[index].token);
    QVERIFY(actual.candidates[index].probability == expected.candidates[index].probability);
  }
  QVERIFY(actual.nextTokenEntropy == expected.nextTokenEntropy);
}

/// The sentence with which bytes are refused; empty when they are read.
std::string refusal(const Bytes& bytes) {
  try {
    model::readStepRecord(bytes);
    return {};
  } catch (const model::Error& error) {
    return error.what();
  }
}

constexpr std::size_t kLengthAt = 12;
constexpr std::size_t kHeaderBytes = 20;

/// With the length in the header that belongs to the bytes.
Bytes withLength(Bytes bytes) {
  const std::uint64_t length = bytes.size() - kHeaderBytes;
  for (std::size_t i = 0; i < 8; ++i) bytes[kLengthAt + i] = static_cast<std::byte>(length >> (8 * i));
  return bytes;
}

}  // namespace

class TestStepRecordBytes : public QObject {
  Q_OBJECT

 private slots:
  void version1IsRead() { compareRecords(model::readStepRecord(bytesOf(kVersion1)), version1Record()); }

  void version2IsRead() { compareRecords(model::readStepRecord(version2Bytes()), version2Record()); }

  void version2IsWritten() {
    QCOMPARE(model::kStepRecordVersion, 2);
    QVERIFY(model::stepRecordBytes(version2Record()) == version2Bytes());
  }

  void everyFieldComesBack() {
    compareRecords(model::readStepRecord(model::stepRecordBytes(largeRecord())), largeRecord());
    compareRecords(model::readStepRecord(model::stepRecordBytes(StepRecord())), StepRecord());
    // A trace keeps the shape of rows whose values it dropped.
    StepRecord dropped = largeRecord();
    dropped.attention.values.clear();
    compareRecords(model::readStepRecord(model::stepRecordBytes(dropped)), dropped);
  }

  void otherVersionsAreRefused() {
    Bytes bytes = bytesOf(kVersion1);
    bytes[8] = std::byte{model::kStepRecordVersion + 1};
    QCOMPARE(refusal(bytes), std::string("The step record is of version 3, expected 1 to 2"));
    bytes[8] = std::byte{0};
    QCOMPARE(refusal(bytes), std::string("The step record is of version 0, expected 1 to 2"));
  }

  void otherFilesAreRefused() {
    QCOMPARE(refusal({}), std::string("The step record has 0 bytes, expected at least 20"));
    Bytes bytes = bytesOf(kVersion1);
    bytes[0] = std::byte{0x0A};
    QCOMPARE(refusal(bytes), std::string("The step record begins with bytes 0a 65 61 64 73 74 65 70, "
                                         "expected \"headstep\""));
  }

  void everyTruncationIsRefused() {
    const Bytes whole = version2Bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      QVERIFY2(refusal(cut).find(" expected ") != std::string::npos, std::to_string(size).c_str());
      // Also when the header agrees, so that each field has to look itself.
      if (size < kHeaderBytes) continue;
      QVERIFY2(refusal(withLength(cut)).find(" left") != std::string::npos, std::to_string(size).c_str());
    }
    Bytes longer = whole;
    longer.push_back(std::byte{0});
    QCOMPARE(refusal(longer), std::string("The step record has 473 bytes after its header, expected 472"));
    QCOMPARE(refusal(withLength(longer)),
             std::string("The step record has 1 bytes behind its last field, expected 0"));
  }

  /// A flipped bit is refused, or it is another record, of which nothing is lost either.
  void flippedBitsAreRefusedOrKept() {
    const Bytes whole = version2Bytes();
    int read = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      Bytes flipped = whole;
      flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      try {
        const StepRecord record = model::readStepRecord(flipped);
        QVERIFY2(model::stepRecordBytes(record) == flipped, std::to_string(bit).c_str());
        ++read;
      } catch (const model::Error& error) {
        QVERIFY(std::strchr(error.what(), '\n') == nullptr);
      }
    }
    // The 26 counters of bytes take any value; the 160 bits of the header take one.
    QVERIFY(read >= 26 * 64);
    QVERIFY(read < static_cast<int>(8 * (whole.size() - kHeaderBytes)));
  }

  void nonsenseIsRefused_data() {
    QTest::addColumn<int>("at");  // behind the header
    QTest::addColumn<QByteArray>("digits");
    QTest::addColumn<QString>("sentence");
    const auto row = [](const char* name, int at, const char* digits, const char* sentence) {
      QTest::newRow(name) << at << QByteArray(digits) << sentence;
    };
    row("four billion tokens", 0, "ffffffff",
        "The step record claims 4294967295 tokens, expected at most 95 in the 380 bytes left");
    row("a token below 0", 4, "ffffffff", "The step record's token is -1, expected 0 to 2147483647");
    row("a position below 0", 12, "00000080",
        "The step record's position is -2147483648, expected 0 to 268435456");
    row("a time of NaN", 16, "000000000000f87f",
        "The step record's wall time is nan, expected a finite number");
    row("a time without end", 24, "000000000000f0ff",
        "The step record's device time is -inf, expected a finite number");
    row("more stages than bytes", 32, "59000000",
        "The step record claims 89 stages, expected at most 87 in the 348 bytes left");
    row("a stage that there is not", 36, "07000000", "The step record's stage is 7, expected 0 to 6");
    row("a layer of -2", 40, "feffffff", "The step record's layer is -2, expected -1 to 2147483647");
    row("dispatches below 0", 148, "ffffffff",
        "The step record's number of dispatches is -1, expected 0 to 2147483647");
    row("a row more than values", 332, "03000000",
        "The step record has 4 attention values, expected 1 layers x 1 heads x 3 rows x 2");
    row("rows beyond any context", 332, "ffffff7f",
        "The step record's number of attention rows is 2147483647, expected 0 to 268435456");
    row("a pooling of 3", 340, "03000000", "The step record's pooling is 3, expected a power of two");
    row("a pooling of 0", 340, "00000000", "The step record's pooling is 0, expected 1 to 268435456");
    row("a stride below the row", 344, "01000000",
        "The step record's stride of attention rows is 1, expected at least 2");
    row("attention of NaN", 352, "0000c07f", "The step record's attention is nan, expected a finite number");
    row("a candidate below 0", 372, "ffffffff",
        "The step record's candidate is -1, expected 0 to 2147483647");
    row("an entropy of NaN", 380, "0000c07f", "The step record's entropy is nan, expected a finite number");
  }
  void nonsenseIsRefused() {
    QFETCH(int, at);
    QFETCH(QByteArray, digits);
    QFETCH(QString, sentence);
    Bytes bytes = bytesOf(kVersion1);
    const Bytes damage = bytesOf(digits.toStdString());
    std::copy(damage.begin(), damage.end(), bytes.begin() + static_cast<std::ptrdiff_t>(kHeaderBytes) + at);
    QCOMPARE(QString::fromStdString(refusal(bytes)), sentence);
  }

  void captureThatIsOutOfOrderIsRefused() {
    StepRecord record = largeRecord();
    record.attention.queryHeads = {1, 31, 2};
    QCOMPARE(refusal(model::stepRecordBytes(record)),
             std::string("The step record's captured heads have 2 behind 31, expected them ascending"));
    record = largeRecord();
    record.attention.layers = {5, 5};
    QCOMPARE(refusal(model::stepRecordBytes(record)),
             std::string("The step record's captured layers have 5 behind 5, expected them ascending"));
  }
};

QTEST_GUILESS_MAIN(TestStepRecordBytes)
#include "tst_step_record_bytes.moc"
