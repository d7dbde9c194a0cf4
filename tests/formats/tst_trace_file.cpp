#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <functional>

#include "core/formats/hugging_face/safetensors_writer.h"
#include "core/formats/trace/trace_file.h"
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
  std::size_t firstLayer = 0;
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
      entries.push_back(SafetensorsEntry::of("attention." + std::to_string(firstLayer + layer),
                                             attentionSizes, attention[layer]));
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
  const auto recorded = [](const std::string& more) {
    return [more](Parts& parts) { parts.metadata["trace"].insert(1, more + ", "); };
  };
  return {
      {"no format", [](Parts& p) { p.metadata.erase("format"); }, "expected \"headroom-trace\""},
      {"a later version", [](Parts& p) { p.metadata["version"] = "2"; }, "version \"2\", expected 1"},
      {"no JSON", header("layers"), "is not JSON"},
      {"a JSON list", header("[]"), "its \"trace\" is an array, expected an object"},
      {"JSON nested deeply",
       [](Parts& p) { p.metadata["trace"] = "{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}"; },
       "its \"trace\" nests 65 levels deep, expected at most 64"},
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
      {"a probability of 2", [](Parts& p) { p.attention[1][0] = 2.0f; },
       "layer 1, head 0, row 0 holds 2 at column 0"},
      {"NaN", [](Parts& p) { p.attention[0][26] = NAN; }, "layer 0, head 1, row 0 holds nan at column 1"},
      // Head 2, row 1: columns (2 * 5 + 1) * 5 + 0 to 4.
      {"a look ahead", [](Parts& p) { p.attention[1][58] = 0.25f; },
       "layer 1, head 2, row 1 looks ahead: it holds 0.25 at column 3, expected 0 behind column 1"},
      {"a sum of a half", [](Parts& p) { std::ranges::replace(p.attention[0], 1.0f, 0.5f); },
       "layer 0, head 0, row 0 sums to 0.5, expected 1 within 0.0039"},
      {"a sum above 1", [](Parts& p) { p.attention[1][56] = p.attention[1][55] = 0.6f; },
       "layer 1, head 2, row 1 sums to 1.2, expected 1"},
      {"a row of zeros", [](Parts& p) { std::fill_n(p.attention[1].begin() + 95, 5, 0.0f); },
       "layer 1, head 3, row 4 sums to 0, expected 1"},
      {"no layers recorded", recorded(R"("recorded_layers": [])"),
       "\"recorded_layers\" is [], expected a list"},
      {"recorded layers as text", recorded(R"("recorded_layers": "0")"), "expected a list of layers"},
      {"a recorded layer outside", recorded(R"("recorded_layers": [0, 2])"),
       "\"recorded_layers\" holds 2 where a layer from 1 to 1 is expected"},
      {"a recorded layer twice", recorded(R"("recorded_layers": [0, 0])"),
       "holds 0 where a layer from 1 to 1"},
      {"a first row outside", recorded(R"("first_row": 5)"), "\"first_row\" is 5, expected 0 to 4"},
      {"more rows than there are", recorded(R"("first_row": 3, "row_count": 3)"),
       "\"row_count\" is 3, expected 1 to 2"},
      {"other rows than it says", recorded(R"("first_row": 3, "row_count": 2)"),
       "expected F32, F16 or BF16 of [4, 2, 5]"},
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

  /// Layer 1 alone, rows 2 and 3: the rest is not recorded, and not there as zeros.
  void partsSayWhatIsNotRecorded() {
    Parts parts;
    const std::vector<float> whole = parts.attention[1];
    std::vector<float> rows;
    for (std::size_t head = 0; head < 4; ++head) {
      const auto first = whole.begin() + static_cast<std::ptrdiff_t>((head * 5 + 2) * 5);
      rows.insert(rows.end(), first, first + 2 * 5);
    }
    parts.attention = {rows};
    parts.firstLayer = 1;
    parts.attentionSizes = {4, 2, 5};
    parts.metadata["trace"].insert(1, R"("recorded_layers": [1], "first_row": 2, "row_count": 2, )");
    parts.write(file("part.safetensors"));
    model::Trace trace = formats::readTrace(file("part.safetensors"));
    QVERIFY(trace.attention[0].empty());
    QVERIFY(trace.attention[1].toFloat() == rows);
    QVERIFY(!trace.recorded.holdsRow(1) && trace.recorded.holdsRow(2) && trace.recorded.holdsRow(3) &&
            !trace.recorded.holdsRow(4));

    model::TraceDecoder decoder(std::move(trace));
    const std::vector<int> tokens{3, 1, 4, 1, 5};
    const std::vector<model::StepRecord> records = decoder.run(tokens, Capture::everything());
    // A record each for the tokens before, with and after the recorded rows.
    QCOMPARE(records.size(), std::size_t{3});
    QCOMPARE(records[1].position, 2);
    QVERIFY(records[0].attention.layers.empty() && records[0].attention.values.empty());
    QVERIFY(records[2].attention.layers.empty());
    const model::AttentionRows& attention = records[1].attention;
    QCOMPARE(attention.layers, std::vector<int>{1});
    QCOMPARE(attention.rowCount, 2);
    for (int head = 0; head < 4; ++head) {
      for (int row = 0; row < 2; ++row) {
        for (int column = 0; column <= 2 + row; ++column) {
          const int position = 2 + row;
          QCOMPARE(attention.row(0, head, row)[static_cast<std::size_t>(column)],
                   whole[static_cast<std::size_t>((head * 5 + position) * 5 + column)]);
        }
      }
    }
    const auto replayed = decoder.replay(1, std::span(tokens).subspan(1, 3), Capture::everything());
    QCOMPARE(replayed.size(), std::size_t{1});
    QCOMPARE(replayed[0].firstPosition, 2);
    QCOMPARE(decoder.position(), 5);
  }

  /// Half precision rounds: rows of it are taken as they are, whatever they are stored as.
  void roundedRowsAreTaken_data() {
    QTest::addColumn<QString>("dtype");
    QTest::newRow("BF16") << "BF16";
    QTest::newRow("F16") << "F16";
    QTest::newRow("F32 of a model in BF16") << "F32";
  }
  void roundedRowsAreTaken() {
    QFETCH(QString, dtype);
    constexpr std::size_t kTokens = 2048;
    std::string bytes;
    for (std::size_t row = 0; row < kTokens; ++row) {
      // Equal values are rounded the same way. 255 of them are the worst case of BF16: 255 x 2^-8 is all
      // that is left of 1.
      float value = 1.0f / static_cast<float>(row + 1);
      if (dtype == "F32") value = model::bfloat16ToFloat(model::floatToBfloat16(value));
      std::vector<float> values(kTokens, 0.0f);
      std::fill_n(values.begin(), row + 1, value);
      model::appendRow(dtype == "BF16"  ? model::Storage::BF16
                       : dtype == "F16" ? model::Storage::F16
                                        : model::Storage::F32,
                       values, bytes);
    }
    const std::vector<std::int32_t> tokens(kTokens, 1);
    const SafetensorsEntry entries[] = {
        SafetensorsEntry::of("tokens", {kTokens}, tokens),
        {"attention.0", dtype.toStdString(), {1, kTokens, kTokens}, std::as_bytes(std::span(bytes))}};
    formats::writeSafetensors(
        file("rounded.safetensors"), entries,
        {{"format", "headroom-trace"},
         {"version", "1"},
         {"trace", R"({"layers": 1, "query_heads": 1, "kv_heads": 1, "head_dim": 8, "vocab_size": 9})"}});
    QCOMPARE(formats::readTrace(file("rounded.safetensors")).recorded.rowCount, static_cast<int>(kTokens));
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
