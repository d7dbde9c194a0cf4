#include <QtTest>

#include "core/formats/gguf_tokenizer.h"
#include "core/model/byte_alphabet.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/error.h"
#include "core/model/pre_tokenizer.h"
#include "core/model/sentencepiece_bpe.h"
#include "core/model/utf8.h"
#include "tests/support/fixtures.h"

using namespace headroom;

namespace {
std::vector<std::string> splitTexts(const std::string& all) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::vector<std::string> texts;
  std::size_t start = 0;
  for (std::size_t end; (end = all.find(separator, start)) != std::string::npos;
       start = end + separator.size()) {
    texts.push_back(all.substr(start, end - start));
  }
  return texts;
}

std::vector<std::string> splitLines(const std::string& all) {
  std::vector<std::string> lines;
  std::istringstream stream(all);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// All 256 bytes, then the tokens of `merges`.
model::ByteLevelBpe byteVocabulary(const std::vector<std::string>& merges) {
  model::ByteLevelBpeData data;
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.emplace_back(model::spellByte(static_cast<std::uint8_t>(byte)));
  }
  data.merges = merges;
  for (std::string merge : merges) data.tokens.push_back(merge.erase(merge.find(' '), 1));
  return model::ByteLevelBpe(std::move(data));
}
}  // namespace

class TstTokenizers : public QObject {
  Q_OBJECT

 private slots:
  void fixtures_data() {
    QTest::addColumn<QString>("name");
    QTest::newRow("byte-level BPE, GPT-2") << "tokenizers/ggml-vocab-gpt-2.gguf";
    QTest::newRow("SentencePiece BPE, Llama") << "tokenizers/ggml-vocab-llama-spm.gguf";
  }
  void fixtures() {
    QFETCH(QString, name);
    const std::string path = tests::fixturePath(name.toStdString());
    const auto tokenizer = formats::loadTokenizer(path);
    const auto texts = splitTexts(tests::readText(path + ".inp"));
    const auto answers = splitLines(tests::readText(path + ".out"));
    QVERIFY(texts.size() > 40);
    QCOMPARE(texts.size(), answers.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::vector<int> ids = tokenizer->encode(texts[i]);
      QVERIFY2(ids == tests::readIds(answers[i]), qPrintable(QString("text %1").arg(i)));
      QCOMPARE(tokenizer->decode(ids), texts[i]);
    }
  }

  void anyBytesRoundTrip_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::newRow("empty") << QByteArray();
    QTest::newRow("zero byte") << QByteArray("a\0b", 3);
    QTest::newRow("lone continuation") << QByteArray("x\x80y");
    QTest::newRow("cut character") << QByteArray("caf\xC3");
    QTest::newRow("overlong") << QByteArray("\xC0\xAF\xE0\x80\x80");
    QTest::newRow("surrogate") << QByteArray("\xED\xA0\x80");
    QTest::newRow("above U+10FFFF") << QByteArray("\xF4\x90\x80\x80");
    QTest::newRow("FE FF") << QByteArray("\xFE\xFF ok");
    QByteArray all;
    for (int byte = 0; byte < 256; ++byte) all.append(static_cast<char>(byte));
    QTest::newRow("every byte") << all;
    QTest::newRow("long run of spaces") << QByteArray(20000, ' ');
    QTest::newRow("long run of letters") << QByteArray(20000, 'a');
  }
  void anyBytesRoundTrip() {
    QFETCH(QByteArray, text);
    const std::string bytes = text.toStdString();
    for (const char* name : {"tokenizers/ggml-vocab-gpt-2.gguf", "tokenizers/ggml-vocab-llama-spm.gguf"}) {
      const auto tokenizer = formats::loadTokenizer(tests::fixturePath(name));
      const std::vector<int> ids = tokenizer->encode(bytes);
      QVERIFY2(tokenizer->decode(ids) == bytes, name);
    }
  }

  void preTokenizerFamilies_data() {
    QTest::addColumn<QString>("family");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QStringList>("words");
    QTest::newRow("gpt-2") << "gpt-2"
                           << "It's 12345  x!" << QStringList{"It", "'s", " 12345", " ", " x", "!"};
    QTest::newRow("llama-bpe: at most three digits")
        << "llama-bpe"
        << "It'S 12345  x!" << QStringList{"It", "'S", " ", "123", "45", " ", " x", "!"};
    QTest::newRow("qwen2: single digits") << "qwen2"
                                          << "a 12" << QStringList{"a", " ", "1", "2"};
  }
  void preTokenizerFamilies() {
    QFETCH(QString, family);
    QFETCH(QString, text);
    QFETCH(QStringList, words);
    const std::string bytes = text.toStdString();
    QStringList found;
    for (std::string_view word : model::PreTokenizer(family.toStdString()).split(bytes)) {
      found << QString::fromUtf8(word.data(), static_cast<qsizetype>(word.size()));
    }
    QCOMPARE(found, words);
  }
  void preTokenizerRefusesOthers() {
    QVERIFY_THROWS_EXCEPTION(model::Error, model::PreTokenizer("no-such-family"));
  }

  void mergesGoByRankThenLeftmost() {
    // "b c" ranks before "a b": in "abc" the later pair merges first.
    const auto tokenizer = byteVocabulary({"b c", "a b", "a a"});
    QVERIFY(tokenizer.encode("abc") == (std::vector<int>{'a', 256}));
    QVERIFY(tokenizer.encode("aaa") == (std::vector<int>{258, 'a'}));
  }

  void alphabet() {
    QCOMPARE(std::string(model::spellByte(' ')), std::string("\xC4\xA0"));  // U+0120, as GPT-2 files show it
    QCOMPARE(std::string(model::spellByte('!')), std::string("!"));
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
    const auto back = model::bytesOfSpelling(model::spellBytes(all));
    QVERIFY(back && *back == all);
    QVERIFY(!model::bytesOfSpelling(" ").has_value());
    QVERIFY(!model::bytesOfSpelling("\xE2\x82\xAC").has_value());
  }

  void missingByteIsAnError() {
    model::ByteLevelBpeData data;
    data.tokens = {"a", "b"};
    const model::ByteLevelBpe tokenizer(std::move(data));
    QVERIFY(tokenizer.encode("ab") == (std::vector<int>{0, 1}));
    QVERIFY_THROWS_EXCEPTION(model::Error, tokenizer.encode("abc"));
  }

  void brokenVocabulariesAreRefused() {
    using model::TokenType;
    QVERIFY_THROWS_EXCEPTION(model::Error, model::ByteLevelBpe({.tokens = {"a"}, .merges = {"a"}}));
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             model::ByteLevelBpe({.tokens = {"a"}, .merges = {}, .endToken = 1}));
    QVERIFY_THROWS_EXCEPTION(
        model::Error, model::SentencePieceBpe({.tokens = {"a", "b"}, .scores = {0.0f}, .tokenTypes = {}}));
    QVERIFY_THROWS_EXCEPTION(
        model::Error,
        model::SentencePieceBpe({.tokens = {"<0xZZ>"}, .scores = {0.0f}, .tokenTypes = {TokenType::Byte}}));
  }

  void controlTokensNeverComeFromText() {
    const auto tokenizer = formats::loadTokenizer(tests::fixturePath("tokenizers/ggml-vocab-llama-spm.gguf"));
    const std::vector<int> ids = tokenizer->encode("<s></s>");
    QVERIFY(std::find(ids.begin(), ids.end(), tokenizer->beginToken()) == ids.end());
    QVERIFY(std::find(ids.begin(), ids.end(), tokenizer->endToken()) == ids.end());
    QCOMPARE(tokenizer->pieceBytes(tokenizer->beginToken()), std::string());
  }

  void messagesQuoteSafely() {
    QCOMPARE(model::quotedName("a\nb\xFF"), std::string("\"a?b\xEF\xBF\xBD\""));
    QVERIFY(model::quotedName(std::string(1000, 'x')).size() < 70);
  }
};

QTEST_GUILESS_MAIN(TstTokenizers)
#include "tst_tokenizers.moc"
