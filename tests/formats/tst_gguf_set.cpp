#include <QTest>
#include <fstream>
#include <functional>

#include "core/formats/gguf/gguf_set.h"
#include "core/model/error.h"
#include "tests/support/gguf_builder.h"

using namespace headroom;
using formats::GgufSet;
using tests::GgufBuilder;

namespace {
constexpr std::uint32_t kUint16 = 2;

void setUint16(GgufBuilder& file, const std::string& key, std::uint16_t value) {
  file.set(key, kUint16, GgufBuilder::bytesOf(value));
}

/// Three parts with three tensors: the first has the metadata, and each tensor's values are its number.
std::vector<GgufBuilder> threeParts() {
  std::vector<GgufBuilder> parts(3);
  parts[0].setText("general.architecture", "llama");
  for (std::uint16_t number = 0; number < 3; ++number) {
    setUint16(parts[number], "split.no", number);
    setUint16(parts[number], "split.count", 3);
    parts[number].setCount("split.tensors.count", 3);
  }
  parts[0].addTensor("token_embd.weight", {4, 2}, 1.0f);
  parts[1].addTensor("blk.0.attn_q.weight", {4, 4}, 2.0f);
  parts[2].addTensor("output.weight", {4, 2}, 3.0f);
  return parts;
}

float firstValue(const formats::GgufTensor& tensor) {
  float value;
  std::memcpy(&value, tensor.bytes.data(), sizeof value);
  return value;
}

/// Parts made wrong in one way, and a part of the sentence that says so.
struct BrokenSet {
  const char* name;
  std::function<void(std::vector<GgufBuilder>&)> spoil;
  const char* fragment;
};

const std::vector<BrokenSet>& brokenSets() {
  static const std::vector<BrokenSet> sets = {
      {"another count", [](auto& parts) { setUint16(parts[1], "split.count", 4); },
       "part 2 of 4, expected part 2 of 3"},
      {"another number", [](auto& parts) { setUint16(parts[2], "split.no", 1); },
       "part 2 of 3, expected part 3 of 3"},
      {"not split at all", [](auto& parts) { parts[1].remove("split.count"); }, "expected part 2 of 3"},
      {"number beyond the count", [](auto& parts) { setUint16(parts[0], "split.no", 3); },
       "split.no is 3, expected 0 to 2"},
      {"number is text", [](auto& parts) { parts[0].setText("split.no", "0"); },
       "\"split.no\" is of type text"},
      {"negative count",
       [](auto& parts) { parts[0].set("split.count", 5, GgufBuilder::bytesOf<std::int32_t>(-3)); },
       "split.count is -3, expected 0 to 65535"},
      {"enormous count",
       [](auto& parts) { parts[0].set("split.count", 10, GgufBuilder::bytesOf<std::uint64_t>(1ull << 40)); },
       "expected 0 to 65535"},
      {"the name says other", [](auto& parts) { setUint16(parts[0], "split.count", 2); },
       "part 1 of 2, expected a name that ends in -00001-of-00002.gguf"},
      {"too few tensors", [](auto& parts) { parts[1].removeTensor("blk.0.attn_q.weight"); },
       "split.tensors.count is 3, but the 3 parts have 2 tensors"},
      {"tensor count is text", [](auto& parts) { parts[2].setText("split.tensors.count", "3"); },
       "\"split.tensors.count\" is of type text"},
      {"a tensor twice", [](auto& parts) { parts[2].addTensor("blk.0.attn_q.weight", {4}); },
       "tensor \"blk.0.attn_q.weight\" is in "},
      {"a part that is no GGUF file", [](auto& parts) { parts[1].magic = "GGML"; }, "not a GGUF file"},
  };
  return sets;
}
}  // namespace

class TstGgufSet : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;

  std::string pathOf(const std::string& name) const {
    return m_folder.filePath(QString::fromStdString(name)).toStdString();
  }
  std::string partPath(int number) const {
    return pathOf("model-0000" + std::to_string(number + 1) + "-of-00003.gguf");
  }
  void write(const std::string& path, const GgufBuilder& file) const {
    std::ofstream(path, std::ios::binary) << file.build();
  }
  void write(const std::vector<GgufBuilder>& parts) const {
    for (int number = 0; number < 3; ++number)
      write(partPath(number), parts[static_cast<std::size_t>(number)]);
  }
  std::string refusal(const std::string& path) const {
    try {
      const GgufSet set(path);
    } catch (const model::Error& error) {
      return error.what();
    }
    return {};
  }

 private slots:
  void anyPartOpensTheSet_data() {
    QTest::addColumn<int>("opened");
    QTest::newRow("first") << 0;
    QTest::newRow("middle") << 1;
    QTest::newRow("last") << 2;
  }
  void anyPartOpensTheSet() {
    QFETCH(int, opened);
    write(threeParts());
    const GgufSet set(partPath(opened));
    QCOMPARE(set.partCount(), std::size_t{3});
    QCOMPARE(set.first().text("general.architecture").value(), std::string("llama"));
    QCOMPARE(set.tensors().size(), std::size_t{3});
    QCOMPARE(std::string(set.tensors()[1]->name), std::string("blk.0.attn_q.weight"));
    QCOMPARE(firstValue(*set.findTensor("token_embd.weight")), 1.0f);
    QCOMPARE(firstValue(*set.findTensor("blk.0.attn_q.weight")), 2.0f);
    QCOMPARE(firstValue(*set.findTensor("output.weight")), 3.0f);
    QVERIFY(set.findTensor("nothing") == nullptr);
  }

  void aSingleFileIsASet() {
    write(pathOf("single.gguf"), GgufBuilder::smallLlama());
    const GgufSet set(pathOf("single.gguf"));
    QCOMPARE(set.partCount(), std::size_t{1});
    QCOMPARE(set.tensors().size(), std::size_t{12});
    QVERIFY(set.findTensor("output_norm.weight") != nullptr);
  }

  void aCountOfOneNeedsNoName() {
    GgufBuilder file = GgufBuilder::smallLlama();
    setUint16(file, "split.count", 1);
    write(pathOf("one.gguf"), file);
    QCOMPARE(GgufSet(pathOf("one.gguf")).partCount(), std::size_t{1});
  }

  void metadataOnlyFirstPart() {
    std::vector<GgufBuilder> parts = threeParts();
    parts[0].removeTensor("token_embd.weight");
    for (GgufBuilder& part : parts) part.setCount("split.tensors.count", 2);
    write(parts);
    QCOMPARE(GgufSet(partPath(0)).tensors().size(), std::size_t{2});
  }

  void aMovedSetKeepsItsTensors() {
    write(threeParts());
    GgufSet set(partPath(0));
    const GgufSet moved = std::move(set);
    QCOMPARE(firstValue(*moved.findTensor("output.weight")), 3.0f);
  }

  void missingPartsAreNamed_data() {
    QTest::addColumn<int>("missing");
    QTest::addColumn<int>("opened");
    QTest::newRow("first") << 0 << 2;
    QTest::newRow("middle") << 1 << 0;
    QTest::newRow("last") << 2 << 0;
  }
  void missingPartsAreNamed() {
    QFETCH(int, missing);
    QFETCH(int, opened);
    write(threeParts());
    std::filesystem::remove(partPath(missing));
    const std::string sentence = refusal(partPath(opened));
    const std::string expected = "part " + std::to_string(missing + 1) +
                                 " of 3 is missing, expected model-0000" + std::to_string(missing + 1) +
                                 "-of-00003.gguf";
    QVERIFY2(sentence.find(expected) != std::string::npos, sentence.c_str());
    QVERIFY2(sentence.starts_with(partPath(opened)), sentence.c_str());
  }

  void brokenSetsAreRefused_data() {
    QTest::addColumn<int>("index");
    for (std::size_t i = 0; i < brokenSets().size(); ++i) {
      QTest::newRow(brokenSets()[i].name) << static_cast<int>(i);
    }
  }
  void brokenSetsAreRefused() {
    QFETCH(int, index);
    const BrokenSet& set = brokenSets()[static_cast<std::size_t>(index)];
    std::vector<GgufBuilder> parts = threeParts();
    set.spoil(parts);
    write(parts);
    const std::string sentence = refusal(partPath(0));
    QVERIFY2(sentence.find(set.fragment) != std::string::npos, sentence.c_str());
    QVERIFY2(sentence.starts_with(m_folder.path().toStdString()), sentence.c_str());
  }
};

QTEST_GUILESS_MAIN(TstGgufSet)
#include "tst_gguf_set.moc"
