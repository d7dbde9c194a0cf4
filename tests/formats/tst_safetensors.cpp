#include <QTest>
#include <cstring>
#include <fstream>
#include <random>

#include "core/formats/hugging_face/safetensors_file.h"
#include "core/formats/hugging_face/safetensors_writer.h"
#include "core/model/error.h"
#include "tests/support/fixtures.h"

using namespace headroom;
using formats::SafetensorsEntry;
using formats::SafetensorsFile;

namespace {
/// A file put together by hand: the header's length, the header, the data.
std::string fileOf(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

std::span<const std::byte> bytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string refusal(const std::string& bytes) {
  try {
    const SafetensorsFile file(bytesOf(bytes));
  } catch (const model::Error& error) {
    return error.what();
  }
  return {};
}

const std::string kTwoTensors =
    R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
    R"("a":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},"__metadata__":{"format":"pt"}}  )";

/// 1.5f and -2.0f, then six bfloat16: 1, 2, 3, 0.5, -1, 0.
const std::string kTwoTensorsData(
    "\x00\x00\xC0\x3F\x00\x00\x00\xC0\x80\x3F\x00\x40\x40\x40\x00\x3F\x80\xBF\x00\x00", 20);
}  // namespace

class TstSafetensors : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  std::string path(const char* name) const { return m_folder.filePath(name).toStdString(); }

 private slots:
  void readsByHand() {
    const std::string bytes = fileOf(kTwoTensors, kTwoTensorsData);
    const SafetensorsFile file(bytesOf(bytes));
    QCOMPARE(file.tensors().size(), std::size_t{2});
    QCOMPARE(file.tensors()[0].name, std::string("b"));
    QCOMPARE(file.metadata().at("format"), std::string("pt"));
    QVERIFY(file.findTensor("b")->matrix().toFloat() == std::vector<float>({1.5f, -2.0f}));
    QCOMPARE(file.findTensor("b")->matrix().rows, 1);
    const model::Tensor matrix = file.findTensor("a")->matrix();
    QVERIFY(matrix.storage == model::Storage::BF16);
    QCOMPARE(matrix.rows, 2);
    QCOMPARE(matrix.columns, 3);
    QVERIFY(matrix.toFloat() == std::vector<float>({1.0f, 2.0f, 3.0f, 0.5f, -1.0f, 0.0f}));
    QVERIFY(file.findTensor("c") == nullptr);
  }

  void otherTypesAreListed() {
    const std::string bytes = fileOf(
        R"({"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"q":{"dtype":"F4","shape":[7],"data_offsets":[8,12]},)"
        R"("none":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[12,12]},)"
        R"("scalar":{"dtype":"F32","shape":[],"data_offsets":[12,16]}})",
        std::string("\0\0\0\0\0\0\0\0\0\0\0\0\x00\x00\x80\x3F", 16));
    const SafetensorsFile file(bytesOf(bytes));
    QVERIFY(!file.findTensor("i")->storage);
    QCOMPARE(file.findTensor("i")->bytes.size(), std::size_t{8});
    QVERIFY(!file.findTensor("q")->storage);
    QCOMPARE(file.findTensor("none")->matrix().elementCount(), 0);
    QVERIFY(file.findTensor("scalar")->matrix().toFloat() == std::vector<float>({1.0f}));
  }

  void anEmptyFileHasNoTensors() { QVERIFY(SafetensorsFile(bytesOf(fileOf("{}", ""))).tensors().empty()); }

  void hostileFiles_data() {
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<QString>("fragment");
    const auto raw = [](const char* name, const std::string& bytes, const char* fragment) {
      QTest::newRow(name) << QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size())) << fragment;
    };
    const auto header = [&](const char* name, const std::string& text, const char* fragment) {
      raw(name, fileOf(text, std::string(8, '\0')), fragment);
    };
    // One tensor "t" of two F32, with its fields as given.
    const auto tensor = [&](const char* name, const std::string& fields, const char* fragment) {
      header(name, "{\"t\":{" + fields + "}}", fragment);
    };
    raw("seven bytes", "1234567", "has 7 bytes, expected at least 8");
    raw("a header of 100 GB", std::string("\x00\xE8\x76\x48\x17\x00\x00\x00{}", 10),
        "claims a header of 100000000000 bytes, expected at most 2");
    raw("a header of 2^64 - 1", std::string(8, '\xFF') + "{}",
        "claims a header of 18446744073709551615 bytes");
    raw("no header", std::string(8, '\0'), "does not start with {");
    raw("a header that is cut", fileOf(kTwoTensors, kTwoTensorsData).substr(0, 60), "expected at most 52");
    raw("data that is cut", fileOf(kTwoTensors, kTwoTensorsData.substr(0, 19)),
        "lies at 8 to 20, the file has 19 bytes");
    raw("data behind the last tensor", fileOf(kTwoTensors, kTwoTensorsData + "x"),
        "has 21 bytes of tensor data, its tensors 20");
    header("an array", "[]", "does not start with {");
    header("JSON that is cut", "{\"t\":{", "its header is not JSON at byte");
    header("text behind the header", "{} x", "its header is not JSON at byte 4");
    header("broken UTF-8", "{\"\xFF\":{}}", "its header is not JSON at byte 3");
    header("deep nesting", "{\"t\":{\"shape\":" + std::string(100000, '[') + "}}",
           "its header nests 100002 levels deep, expected at most 64");
    header("an array of arrays", "{\"t\":{\"shape\":[[1]]}}", "has an array in its \"shape\"");
    header("deep objects", "{\"t\":{\"dtype\":{\"a\":{", "has an object in its \"dtype\"");
    header("a tensor that is a number", "{\"t\":5}", "\"t\" is the number 5, expected an object");
    header("a tensor that is null", "{\"t\":null}", "\"t\" is null, expected an object");
    header("an empty name", "{\"\":{}}", "has 0 bytes, expected 1 to 65535");
    header("metadata that is a number", "{\"__metadata__\":{\"a\":1}}",
           "\"a\" is the number 1, expected text");
    header("metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", "__metadata__ appears twice");
    header("a metadata key twice", "{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", "\"a\" appears twice");
    header(
        "a tensor twice",
        R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
        "\"t\" appears twice");
    header(
        "an overlap",
        R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"u":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
        "\"u\" starts at byte 4 of the data, expected 8");
    header(
        "the same bytes twice",
        R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"u":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
        "starts at byte 0 of the data, expected 8");
    tensor("a gap", R"("dtype":"F32","shape":[1],"data_offsets":[4,8])",
           "starts at byte 4 of the data, expected 0");
    tensor("no type", R"("shape":[2],"data_offsets":[0,8])", "lacks one of");
    tensor("no shape", R"("dtype":"F32","data_offsets":[0,8])", "lacks one of");
    tensor("no offsets", R"("dtype":"F32","shape":[2])", "lacks one of");
    tensor("one offset", R"("dtype":"F32","shape":[2],"data_offsets":[0])", "lacks one of");
    tensor("three offsets", R"("dtype":"F32","shape":[2],"data_offsets":[0,8,9])",
           "has the number 9 in its \"data_offsets\", expected two offsets");
    tensor("an unknown field", R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1)",
           "has a field \"x\"");
    tensor("a type twice", R"("dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8])",
           "has \"dtype\" twice");
    tensor("a shape twice", R"("dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8])",
           "has \"shape\" twice");
    tensor("a type that is a number", R"("dtype":1,"shape":[2],"data_offsets":[0,8])", "expected text");
    tensor("a size that is negative", R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])",
           "has the number -2 in its \"shape\"");
    tensor("a size that is a float", R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])",
           "has the number \"2.0\" in its \"shape\"");
    tensor("a size of 2^64", R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8])",
           "expected sizes from 0");
    tensor("sizes whose product wraps around",
           R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8])",
           "expected more than 64 bits count");
    tensor("nine dimensions", R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8])",
           "more than 8 dimensions");
    tensor("offsets in reverse", R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", "lies at 8 to 0");
    tensor("an offset beyond the file", R"("dtype":"F32","shape":[2],"data_offsets":[8,16])",
           "lies at 8 to 16, the file has 8 bytes");
    tensor("too few bytes", R"("dtype":"F32","shape":[3],"data_offsets":[0,8])",
           "lies in 8 bytes, expected 12");
    tensor("too many bytes", R"("dtype":"F16","shape":[3],"data_offsets":[0,8])",
           "lies in 8 bytes, expected 6");
  }
  void hostileFiles() {
    QFETCH(QByteArray, file);
    QFETCH(QString, fragment);
    const std::string sentence = refusal(file.toStdString());
    QVERIFY2(sentence.find(fragment.toStdString()) != std::string::npos, sentence.c_str());
    QVERIFY(sentence.find('\n') == std::string::npos);
  }

  void everyTruncationIsRefused() {
    const std::string whole = fileOf(kTwoTensors, kTwoTensorsData);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      QVERIFY2(!refusal(whole.substr(0, length)).empty(), std::to_string(length).c_str());
    }
    QVERIFY(refusal(whole).empty());
  }

  void writtenFilesReadBack() {
    const std::vector<float> values = {1.0f, -2.5f, 3.0f, 4.0f, 5.0f, 6.0f};
    const std::vector<std::int32_t> ids = {7, -8, 9};
    const SafetensorsEntry entries[] = {SafetensorsEntry::of("values", {3, 2}, values),
                                        SafetensorsEntry::of("ids \"\n", {3}, ids),
                                        SafetensorsEntry::of("empty", {0, 4}, std::span<const float>())};
    formats::writeSafetensors(path("x.safetensors"), entries, {{"format", "headroom"}, {"note", "\xFF"}});
    const SafetensorsFile file(path("x.safetensors"));
    QCOMPARE(file.tensors().size(), std::size_t{3});
    const formats::SafeTensor& read = *file.findTensor("values");
    QVERIFY(read.sizes == std::vector<std::uint64_t>({3, 2}));
    QVERIFY(read.matrix().toFloat() == values);
    QCOMPARE(reinterpret_cast<std::uintptr_t>(read.bytes.data()) % 4, std::uintptr_t{0});
    const formats::SafeTensor& readIds = *file.findTensor("ids \"\n");
    QCOMPARE(readIds.dtype, std::string("I32"));
    QVERIFY(std::memcmp(readIds.bytes.data(), ids.data(), sizeof(std::int32_t) * ids.size()) == 0);
    QCOMPARE(file.metadata().at("format"), std::string("headroom"));
    QCOMPARE(file.metadata().at("note"), std::string("\xEF\xBF\xBD"));
    // The data starts at a multiple of 8: the header's length says where.
    const std::string bytes = tests::readText(path("x.safetensors"));
    QCOMPARE(static_cast<int>(bytes[0]) % 8, 0);
  }

  void missingFilesAreNamed() {
    try {
      const SafetensorsFile file(path("nothing.safetensors"));
      QFAIL("was opened");
    } catch (const model::Error& error) {
      QVERIFY2(std::string(error.what()).find("nothing.safetensors") != std::string::npos, error.what());
    }
  }

  void bitFlips() {
    const std::string whole = fileOf(kTwoTensors, kTwoTensorsData);
    std::mt19937 random(5);
    int refused = 0;
    for (int round = 0; round < 3000; ++round) {
      std::string broken = whole;
      for (int flips = 0; flips < 1 + round % 3; ++flips) {
        broken[random() % whole.size()] ^= static_cast<char>(1 << random() % 8);
      }
      const std::string sentence = refusal(broken);
      QVERIFY(sentence.find('\n') == std::string::npos);
      refused += sentence.empty() ? 0 : 1;
    }
    QVERIFY(refused > 1500);
  }
};

QTEST_GUILESS_MAIN(TstSafetensors)
#include "tst_safetensors.moc"
