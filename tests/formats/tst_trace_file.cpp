#include <QTemporaryDir>
#include <QtTest>
#include <functional>

#include "core/formats/safetensors_writer.h"
#include "core/formats/trace_file.h"
#include "core/model/error.h"
#include "core/model/trace_decoder.h"

using namespace headroom;
using formats::SafetensorsEntry;
using model::Capture;

namespace {

/// A trace put together by hand: 2 layers, 4 query heads on 2 KV heads, 5 tokens, 9 words.
struct Parts {
  std::vector<std::int32_t> tokens{3, 1, 4, 1, 5};
  std::vector<std::int64_t> attentionSizes{4, 5, 5};
  std::vector<std::vector<float>> attention;
  std::vector<float> logits;
  std::map<std::string, std::string> metadata{
      {"format", "headroom-trace"},
      {"version", "1"},
      {"trace", R"({"layers": 2, "query_heads": 4, "kv_heads": 2, "head_dim": 8, "vocab_size": 9,
                    "prompt_tokens": 2, "name": "hand", "writer": "a test", "pieces": {"3": "the"}})"}};

  Parts() {
    for (int layer = 0; layer < 2; ++layer) {
      std::vector<float> values(4 * 5 * 5);
      for (std::size_t head = 0; head < 4; ++head) {
        for (std::size_t row = 0; row < 5; ++row) {
          // Each row looks at one position: head and layer choose which.
          values[(head * 5 + row) * 5 + (head + static_cast<std::size_t>(layer)) % (row + 1)] = 1.0f;
        }
      }
      attention.push_back(values);
    }
    logits.assign(5 * 9, 0.0f);
    for (std::size_t row = 0; row < 5; ++row) logits[row * 9 + row] = 3.0f;
  }

  void write(const std::string& path) const {
    std::vector<SafetensorsEntry> entries{SafetensorsEntry::of("tokens", {std::ssize(tokens)}, tokens)};
    for (std::size_t layer = 0; layer < attention.size(); ++layer) {
      entries.push_back(
          SafetensorsEntry::of("attention." + std::to_string(layer), attentionSizes, attention[layer]));
    }
    entries.push_back(SafetensorsEntry::of("logits", {5, 9}, logits));
    formats::writeSafetensors(path, entries, metadata);
  }
};

struct Broken {
  const char* name;
  std::function<void(Parts&)> damage;
  const char* fragment;
};

std::vector<Broken> brokenTraces() {
  const auto header = [](const char* text) {
    return [text](Parts& parts) { parts.metadata["trace"] = text; };
  };
  return {
      {"no format", [](Parts& p) { p.metadata.erase("format"); }, "expected \"headroom-trace\""},
      {"a later version", [](Parts& p) { p.metadata["version"] = "2"; }, "version \"2\", expected 1"},
      {"no JSON", header("layers"), "is not JSON"},
      {"a JSON list", header("[]"), "not a JSON object"},
      {"JSON nested deeply", header(R"({"a":[[[[[[[[[[1]]]]]]]]]]})"), "nested deeper"},
      {"no layers", header("{}"), "no \"layers\""},
      {"layers as text", header(R"({"layers": "2"})"), "expected a whole number"},
      {"a billion layers",
       header(R"({"layers": 60000, "query_heads": 4, "kv_heads": 2, "head_dim": 8, "vocab_size": 9})"),
       "claims 60000 layers"},
      {"3 KV heads",
       header(R"({"layers": 2, "query_heads": 4, "kv_heads": 3, "head_dim": 8, "vocab_size": 9})"),
       "not a multiple of 3"},
      {"a layer more",
       header(R"({"layers": 3, "query_heads": 4, "kv_heads": 2, "head_dim": 8, "vocab_size": 9})"),
       "\"attention.2\" is missing"},
      {"a token outside", [](Parts& p) { p.tokens[3] = 9; }, "token 3 is 9, expected 0 to 8"},
      {"a negative token", [](Parts& p) { p.tokens[0] = -1; }, "token 0 is -1"},
      {"more tokens than rows", [](Parts& p) { p.tokens.push_back(1); },
       "expected F32, F16 or BF16 of [4, 6, 6]"},
      {"a probability of 2", [](Parts& p) { p.attention[1][0] = 2.0f; }, "layer 1 holds 2 in row 0"},
      {"NaN", [](Parts& p) { p.attention[0][26] = NAN; }, "layer 0 holds nan in row 5"},
      {"NaN among logits", [](Parts& p) { p.logits[12] = NAN; },
       "logits hold nan for token 3 after position 1, expected finite numbers"},
  };
}
}  // namespace

class TestTraceFile : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  std::string file(const char* name) const { return m_folder.filePath(name).toStdString(); }

 private slots:
  void isReadAsWritten() {
    const Parts parts;
    parts.write(file("sound.safetensors"));
    QVERIFY(formats::isTrace(file("sound.safetensors")));
    const model::Trace trace = formats::readTrace(file("sound.safetensors"));
    QCOMPARE(trace.tokens, std::vector<int>({3, 1, 4, 1, 5}));
    QCOMPARE(trace.promptTokens, 2);
    QCOMPARE(trace.name, std::string("hand"));
    QCOMPARE(trace.pieces.at(3), std::string("the"));
    QVERIFY(trace.config.attention.kind() == model::AttentionKind::GroupedQuery);
    QVERIFY(trace.attention[1].toFloat() == parts.attention[1]);
  }

  void decodesAsRecorded() {
    const Parts parts;
    parts.write(file("sound.safetensors"));
    model::TraceDecoder decoder(formats::readTrace(file("sound.safetensors")));
    const std::vector<int> prompt{3, 1};
    const model::StepRecord first = decoder.run(prompt, Capture::everything()).front();
    QCOMPARE(first.attention.rowCount, 2);
    // Head 2 of layer 1 at position 1 looks at (2 + 1) mod 2.
    QCOMPARE(first.attention.row(1, 2, 1)[1], 1.0f);
    QCOMPARE(first.candidates.front().token, 1);  // of the recorded logits of row 1
    // Logits name the recorded token.
    QCOMPARE(std::ranges::max_element(decoder.logits()) - decoder.logits().begin(), 4);
    for (int token : {4, 1, 5}) decoder.run(std::span(&token, 1), Capture::none());
    QCOMPARE(decoder.position(), 5);
    const int more = 1;
    QVERIFY_THROWS_EXCEPTION(model::Error, decoder.run(std::span(&more, 1), Capture::none()));
    decoder.truncate(1);
    const int wrong = 7;
    QVERIFY_THROWS_EXCEPTION(model::Error, decoder.run(std::span(&wrong, 1), Capture::none()));
    QCOMPARE(decoder.position(), 1);
  }

  void pooledRowsHoldTheLargest() {
    const Parts parts;
    parts.write(file("sound.safetensors"));
    model::TraceDecoder decoder(formats::readTrace(file("sound.safetensors")));
    const std::vector<int> tokens{3, 1, 4, 1, 5};
    const model::AttentionRows rows = decoder.run(tokens, Capture::pooled(2)).front().attention;
    QCOMPARE(rows.pooling, 4);
    // Position 4 of head 3 in layer 1 looks at (3 + 1) mod 5 = 4: the second cell.
    QCOMPARE(rows.row(1, 3, 4)[0], 0.0f);
    QCOMPARE(rows.row(1, 3, 4)[1], 1.0f);
  }

  void brokenOnesAreRefused_data() {
    QTest::addColumn<int>("index");
    const std::vector<Broken> all = brokenTraces();
    for (std::size_t i = 0; i < all.size(); ++i) QTest::newRow(all[i].name) << static_cast<int>(i);
  }
  void brokenOnesAreRefused() {
    QFETCH(int, index);
    const Broken broken = brokenTraces()[static_cast<std::size_t>(index)];
    Parts parts;
    broken.damage(parts);
    parts.write(file("broken.safetensors"));
    try {
      formats::readTrace(file("broken.safetensors"));
      QFAIL("no error was thrown");
    } catch (const model::Error& error) {
      const std::string sentence = error.what();
      QVERIFY2(sentence.find(broken.fragment) != std::string::npos, sentence.c_str());
      QVERIFY2(sentence.starts_with(file("broken.safetensors")), sentence.c_str());
    }
  }

  void otherFilesAreNoTraces() {
    QVERIFY(!formats::isTrace(file("missing.safetensors")));
    formats::writeSafetensors(file("weights.safetensors"),
                              std::vector{SafetensorsEntry::of("w", {1}, std::vector<float>{1.0f})}, {});
    QVERIFY(!formats::isTrace(file("weights.safetensors")));
  }
};

QTEST_GUILESS_MAIN(TestTraceFile)
#include "tst_trace_file.moc"
