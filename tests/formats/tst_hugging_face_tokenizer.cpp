#include <QTest>
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/formats/gguf/gguf_tokenizer.h"
#include "core/formats/hugging_face/hugging_face_tokenizer.h"
#include "core/model/error.h"
#include "core/text/byte_level_bpe.h"
#include "core/text/sentencepiece_bpe.h"
#include "core/text/utf8.h"
#include "tests/support/fixtures.h"
#include "tests/support/hugging_face_files.h"

using namespace headroom;
using namespace headroom::tests;
using model::SpecialText;
using nlohmann::json;

namespace {
std::vector<std::string> textsOf(const std::string& path) {
  const std::string all = tests::readText(path);
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::vector<std::string> texts;
  std::size_t start = 0;
  for (std::size_t end; (end = all.find(separator, start)) != std::string::npos;
       start = end + separator.size()) {
    texts.push_back(all.substr(start, end - start));
  }
  return texts;
}
}  // namespace

class TstHuggingFaceTokenizer : public QObject {
  Q_OBJECT

 private:
  std::unique_ptr<QTemporaryDir> m_folder;

  std::string folder() const { return m_folder->path().toStdString(); }
  void write(const char* name, const std::string& text) const {
    std::ofstream(m_folder->filePath(name).toStdString(), std::ios::binary) << text;
  }
  std::unique_ptr<model::Tokenizer> load(const json& tokenizer, int vocabSize = 0) const {
    write("tokenizer.json", tokenizer.dump());
    return formats::loadHuggingFaceTokenizer(folder(), vocabSize);
  }
  void compareWithFixture(const model::Tokenizer& tokenizer, const std::string& name) const {
    const std::string path = tests::fixturePath("tokenizers/" + name + ".gguf");
    const std::vector<std::string> texts = textsOf(path + ".inp");
    std::istringstream answers(tests::readText(path + ".out"));
    QVERIFY(texts.size() > 40);
    for (const std::string& text : texts) {
      std::string answer;
      std::getline(answers, answer);
      QVERIFY2(tokenizer.encode(text) == tests::readIds(answer), text.c_str());
      QCOMPARE(tokenizer.decode(tokenizer.encode(text)), text);
    }
  }

 private slots:
  void init() { m_folder = std::make_unique<QTemporaryDir>(); }

  void gpt2Fixture_data() {
    QTest::addColumn<bool>("pairs");
    QTest::newRow("merges as texts") << false;
    QTest::newRow("merges as pairs") << true;
  }
  void gpt2Fixture() {
    QFETCH(bool, pairs);
    const auto source = formats::loadGgufTokenizer(tests::fixturePath("tokenizers/ggml-vocab-gpt-2.gguf"));
    const auto& data = dynamic_cast<const text::ByteLevelBpe&>(*source).data();
    json vocab = json::object();
    for (std::size_t i = 0; i < data.tokens.size(); ++i) vocab[data.tokens[i]] = i;
    json merges = json::array();
    for (const std::string& merge : data.merges) {
      const std::size_t space = merge.find(' ');
      if (pairs) {
        merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
      } else {
        merges.push_back(merge);
      }
    }
    const auto tokenizer = load(
        {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}, {"pre_tokenizer", byteLevel()}});
    compareWithFixture(*tokenizer, "ggml-vocab-gpt-2");
    QCOMPARE(dynamic_cast<const text::ByteLevelBpe&>(*tokenizer).data().preTokenizer, std::string("gpt-2"));
  }

  // Hugging Face converts a SentencePiece model to merges so: every way to cut a token in two tokens, those
  // of the best token first.
  void llamaFixture() {
    const auto source =
        formats::loadGgufTokenizer(tests::fixturePath("tokenizers/ggml-vocab-llama-spm.gguf"));
    const auto& data = dynamic_cast<const text::SentencePieceBpe&>(*source).data();
    std::unordered_map<std::string, std::size_t> ids;
    json vocab = json::object();
    for (std::size_t i = 0; i < data.tokens.size(); ++i) {
      ids[data.tokens[i]] = i;
      vocab[data.tokens[i]] = i;
    }
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < data.tokens.size(); ++i) {
      if (data.tokenTypes[i] == text::TokenType::Normal) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return data.scores[a] > data.scores[b]; });
    json merges = json::array();
    for (std::size_t id : order) {
      const std::string& token = data.tokens[id];
      for (std::size_t cut = 1; cut < token.size(); ++cut) {
        const std::string left = token.substr(0, cut);
        const std::string right = token.substr(cut);
        if (ids.contains(left) && ids.contains(right)) merges.push_back(left + " " + right);
      }
    }
    json file = smallPieces({}, {});
    file["model"] = {{"type", "BPE"},        {"vocab", vocab},        {"merges", merges},
                     {"unk_token", "<unk>"}, {"byte_fallback", true}, {"fuse_unk", true}};
    file["added_tokens"] = {added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")};
    const auto tokenizer = load(file);
    compareWithFixture(*tokenizer, "ggml-vocab-llama-spm");
    // The scores that stand for the ranks give the same ids.
    text::SentencePieceBpeData byScore = dynamic_cast<const text::SentencePieceBpe&>(*tokenizer).data();
    byScore.merges.clear();
    compareWithFixture(text::SentencePieceBpe(std::move(byScore)), "ggml-vocab-llama-spm");
  }

  void preTokenizers_data() {
    QTest::addColumn<QString>("steps");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QStringList>("pieces");
    const auto steps = [](std::vector<json> list) {
      return QString::fromStdString(sequence("pretokenizers", std::move(list)).dump());
    };
    using L = QStringList;
    QTest::newRow("none but ByteLevel") << steps({byteLevel(false)}) << "ab ab" << L{"ab ab"};
    QTest::newRow("GPT-2's expression") << steps({byteLevel()}) << "ab ab" << L{"ab", " ab"};
    QTest::newRow("digits one by one")
        << steps({{{"type", "Digits"}, {"individual_digits", true}}, byteLevel(false)}) << "ab11"
        << L{"ab", "1", "1"};
    QTest::newRow("digits together") << steps({{{"type", "Digits"}, {"individual_digits", false}},
                                               byteLevel(false)})
                                     << "ab11" << L{"ab", "11"};
    QTest::newRow("marks together") << steps({{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                                              byteLevel(false)})
                                    << "ab--ab" << L{"ab", "--", "ab"};
    QTest::newRow("marks one by one")
        << steps({{{"type", "Punctuation"}}, byteLevel(false)}) << "ab--" << L{"ab", "-", "-"};
    QTest::newRow("a text")
        << steps({{{"type", "Split"}, {"pattern", {{"String", "."}}}, {"behavior", "Isolated"}},
                  byteLevel(false)})
        << "ab.ab" << L{"ab", ".", "ab"};
    QTest::newRow("an expression") << steps({split("b+"), byteLevel(false)}) << "abba" << L{"a", "bb", "a"};
    QTest::newRow("matches together")
        << steps({split("b", "Contiguous"), byteLevel(false)}) << "abba" << L{"a", "bb", "a"};
    QTest::newRow("what matches stays, all of it")
        << steps({{{"type", "Split"},
                   {"pattern", {{"Regex", "\\p{N}| ?\\p{L}+| ?[^\\s\\p{L}\\p{N}]+|\\s+"}}},
                   {"behavior", "Removed"},
                   {"invert", true}},
                  byteLevel(false)})
        << "ab ab1" << L{"ab", " ab", "1"};
    QTest::newRow("Falcon's digits after the bytes")
        << steps({byteLevel(), {{"type", "Digits"}}, split("[0-9][0-9][0-9]")}) << "ab 1111"
        << L{"ab", " ", "111", "1"};
  }
  // A vocabulary that merges whatever stands together shows where it was cut.
  void preTokenizers() {
    QFETCH(QString, steps);
    QFETCH(QString, text);
    QFETCH(QStringList, pieces);
    json file =
        smallBytes({"\xC4\xA0", "1", "-", "."},
                   {"a b", "b b", "1 1", "11 1", "- -", "\xC4\xA0 ab", "\xC4\xA0 1", "ab 11", "ab --", "bb a",
                    "ab \xC4\xA0"
                    "ab",
                    "\xC4\xA0 11", "\xC4\xA0 111", "ab 1", "ab -", "ab ."});
    file["pre_tokenizer"] = json::parse(steps.toStdString());
    const auto tokenizer = load(file);
    QStringList found;
    for (int token : tokenizer->encode(text.toStdString())) {
      found << QString::fromStdString(tokenizer->pieceBytes(token));
    }
    QCOMPARE(found, pieces);
  }

  void spaces_data() {
    QTest::addColumn<QString>("rules");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("pieces");  // '_' for the escaped space, '|' between tokens
    const auto metaspace = [](const char* scheme, bool splits) {
      const json step = {
          {"type", "Metaspace"}, {"replacement", kSpace}, {"prepend_scheme", scheme}, {"split", splits}};
      return QString::fromStdString(json{{"normalizer", nullptr}, {"pre_tokenizer", step}}.dump());
    };
    QTest::newRow("Llama 2: a prefix at the start and after added tokens") << "{}"
                                                                           << "a b<x>a"
                                                                           << "_a|_b|<x>|_a";
    QTest::newRow("Llama 2: whatever is there") << "{}"
                                                << " a"
                                                << "__|a";
    QTest::newRow("Mistral: at the start only") << metaspace("first", false) << "a b<x>a"
                                                << "_a|_b|<x>|a";
    QTest::newRow("Mistral: unless there") << metaspace("first", false) << " a"
                                           << "_a";
    QTest::newRow("always, unless there") << metaspace("always", false) << " a<x>b<x> b"
                                          << "_a|<x>|_b|<x>|_b";
    QTest::newRow("never") << metaspace("never", false) << "a b"
                           << "a|_b";
    QTest::newRow("words whole") << metaspace("never", false) << "a  a"
                                 << "a|__|a";
    QTest::newRow("words apart") << metaspace("never", true) << "a  a"
                                 << "a|_|_a";
    QTest::newRow("Gemma: no prefix")
        << QString::fromStdString(json{
               {"normalizer", {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}}},
               {"pre_tokenizer",
                {{"type", "Split"},
                 {"pattern", {{"String", " "}}},
                 {"behavior", "MergedWithPrevious"},
                 {"invert", false}}}}.dump())
        << "a b<x>b"
        << "a|_b|<x>|b";
  }
  void spaces() {
    QFETCH(QString, rules);
    QFETCH(QString, text);
    QFETCH(QString, pieces);
    json file = smallPieces({"_", "a", "b", "__", "_a", "_b", "<x>"}, {"_ _", "_ a", "_ b"});
    file["added_tokens"] = {added(7, "<x>", false)};
    file.update(json::parse(rules.toStdString()));
    const auto tokenizer = load(file);
    const auto& names = dynamic_cast<const text::SentencePieceBpe&>(*tokenizer).data().tokens;
    QStringList found;
    for (int token : tokenizer->encode(text.toStdString())) {
      found << QString::fromStdString(names[static_cast<std::size_t>(token)]).replace(QChar(0x2581), '_');
    }
    QCOMPARE(found.join('|'), pieces);
  }

  void addedTokens() {
    json file = smallBytes({"\xC4\xA0"}, {"a b"});
    const int next = 30;
    file["added_tokens"].push_back(added(next, "<mask>", false));
    file["added_tokens"].back()["lstrip"] = true;
    file["added_tokens"].push_back(added(next + 1, "<|end|>"));
    file["added_tokens"].back()["rstrip"] = true;
    const auto tokenizer = load(file);
    QCOMPARE(tokenizer->vocabSize(), next + 2);
    QVERIFY(tokenizer->encode("a <mask> b") == (std::vector<int>{0, next, 26, 1}));
    QVERIFY(tokenizer->encode("a<|end|>  b", SpecialText::Parsed) == (std::vector<int>{0, next + 1, 1}));
    QVERIFY_THROWS_EXCEPTION(model::Error, tokenizer->encode("<|end|>"));  // no token for '<'
    QVERIFY(tokenizer->endsText(next + 1));                                // by its name
    QVERIFY(!tokenizer->endsText(next));
    QCOMPARE(tokenizer->pieceBytes(next), std::string("<mask>"));
    QCOMPARE(tokenizer->pieceBytes(next + 1), std::string());
  }

  void composedCharacters() {
    json file = smallBytes({"\xC3\x83", "\xC2\xA9"}, {"\xC3\x83 \xC2\xA9"});  // the bytes C3 and A9 of "é"
    QVERIFY_THROWS_EXCEPTION(model::Error, load(file)->encode("e\xCC\x81"));
    file["normalizer"] = {{"type", "NFC"}};
    QVERIFY(load(file)->encode("e\xCC\x81") == (std::vector<int>{28}));
  }

  void wholeWordsFirst() {
    json file = smallBytes({}, {"a b", "b c"});
    file["model"]["vocab"]["abc"] = 30;
    QVERIFY(load(file)->encode("abc") == (std::vector<int>{26, 2}));
    file["model"]["ignore_merges"] = true;
    QVERIFY(load(file)->encode("abc") == (std::vector<int>{30}));
  }

  void unigram() {
    const json vocab =
        json::array({json::array({"<unk>", 0.0}), json::array({kSpace, -3.0}), json::array({"a", -3.0}),
                     json::array({kSpace + "a", -4.0}), json::array({"b", -2.5})});
    const json file = {{"model", {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab}}},
                       {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", kSpace}}},
                       {"added_tokens", json::array({added(0, "<unk>")})}};
    const auto tokenizer = load(file);
    QVERIFY(tokenizer->encode("ab a") == (std::vector<int>{3, 4, 3}));
    QVERIFY(tokenizer->encode("azz") == (std::vector<int>{3, 0}));
  }

  void beginAndEnd_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("content");
    QTest::addColumn<int>("begin");
    QTest::addColumn<QList<int>>("ends");
    QTest::newRow("nothing said") << ""
                                  << "" << -1 << QList<int>{};
    QTest::newRow("asked for in the configuration")
        << "tokenizer_config.json"
        << R"({"add_bos_token": true, "bos_token": "<s>", "eos_token": "</s>"})" << 26 << QList<int>{27};
    QTest::newRow("tokens as objects")
        << "tokenizer_config.json"
        << R"({"add_bos_token": true, "bos_token": {"content": "<s>"}, "eos_token": {"content": "</s>"}})"
        << 26 << QList<int>{27};
    QTest::newRow("named, but not asked for") << "tokenizer_config.json"
                                              << R"({"bos_token": "<s>"})" << -1 << QList<int>{};
    QTest::newRow("special tokens") << "special_tokens_map.json"
                                    << R"({"eos_token": "</s>"})" << -1 << QList<int>{27};
    QTest::newRow("several ends") << "generation_config.json"
                                  << R"({"eos_token_id": [27, 3]})" << -1 << QList<int>{27, 3};
    QTest::newRow("the model's end") << "config.json"
                                     << R"({"eos_token_id": 27})" << -1 << QList<int>{27};
  }
  void beginAndEnd() {
    QFETCH(QString, name);
    QFETCH(QString, content);
    QFETCH(int, begin);
    QFETCH(QList<int>, ends);
    if (!name.isEmpty()) write(qPrintable(name), content.toStdString());
    const auto tokenizer = load(smallBytes());
    QCOMPARE(tokenizer->beginToken(), begin);
    QCOMPARE(tokenizer->endToken(), ends.isEmpty() ? -1 : ends.front());
    for (int token = -1; token < tokenizer->vocabSize(); ++token) {
      QCOMPARE(tokenizer->endsText(token), ends.contains(token));
    }
  }
  void beginOfTheTemplate() {
    json file = smallBytes();
    const json steps = {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}};
    file["post_processor"] =
        sequence("processors", {byteLevel(), {{"type", "TemplateProcessing"}, {"single", steps}}});
    QCOMPARE(load(file)->beginToken(), 26);
    file["post_processor"] = byteLevel();
    QCOMPARE(load(file)->beginToken(), -1);
  }

  void vocabularySize() {
    QCOMPARE(load(smallBytes())->vocabSize(), 28);
    const auto padded = load(smallBytes(), 40);
    QCOMPARE(padded->vocabSize(), 40);
    QCOMPARE(padded->pieceBytes(39), std::string());
    QVERIFY(padded->encode("ab") == (std::vector<int>{0, 1}));
    QVERIFY_THROWS_EXCEPTION(model::Error, load(smallBytes(), 27));
    QVERIFY(formats::loadHuggingFaceTokenizer(m_folder->filePath("nothing").toStdString(), 0) == nullptr);
  }

  void chatTemplates_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("content");
    QTest::addColumn<QString>("found");
    QTest::newRow("none") << "config.json"
                          << "{}"
                          << "";
    QTest::newRow("a file of its own") << "chat_template.jinja"
                                       << "{{ a }}"
                                       << "{{ a }}";
    QTest::newRow("in the configuration") << "tokenizer_config.json"
                                          << R"({"chat_template": "{{ b }}"})"
                                          << "{{ b }}";
    QTest::newRow("one of several")
        << "tokenizer_config.json"
        << R"({"chat_template": [{"name": "tool", "template": "t"}, {"name": "default", "template": "d"}]})"
        << "d";
    QTest::newRow("of another type") << "tokenizer_config.json"
                                     << R"({"chat_template": 7})"
                                     << "";
  }
  void chatTemplates() {
    QFETCH(QString, name);
    QFETCH(QString, content);
    QFETCH(QString, found);
    write(qPrintable(name), content.toStdString());
    QCOMPARE(QString::fromStdString(formats::readHuggingFaceChatTemplate(folder())), found);
  }
};

QTEST_GUILESS_MAIN(TstHuggingFaceTokenizer)
#include "tst_hugging_face_tokenizer.moc"
