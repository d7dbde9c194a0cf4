#include <QTest>
#include <numeric>
#include <random>
#include <set>

#include "core/formats/gguf/gguf_tokenizer.h"
#include "core/model/error.h"
#include "core/text/added_tokens.h"
#include "core/text/byte_alphabet.h"
#include "core/text/byte_level_bpe.h"
#include "core/text/sentencepiece_bpe.h"
#include "core/text/utf8.h"
#include "core/text/vocabulary.h"
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
text::ByteLevelBpe byteVocabulary(const std::vector<std::string>& merges) {
  text::ByteLevelBpeData data;
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.emplace_back(text::spellByte(static_cast<std::uint8_t>(byte)));
  }
  data.merges = merges;
  for (std::string merge : merges) data.tokens.push_back(merge.erase(merge.find(' '), 1));
  return text::ByteLevelBpe(std::move(data));
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
    const auto tokenizer = formats::loadGgufTokenizer(path);
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
      const auto tokenizer = formats::loadGgufTokenizer(tests::fixturePath(name));
      const std::vector<int> ids = tokenizer->encode(bytes);
      QVERIFY2(tokenizer->decode(ids) == bytes, name);
    }
  }

  void mergesGoByRankThenLeftmost() {
    // "b c" ranks before "a b": in "abc" the later pair merges first.
    const auto tokenizer = byteVocabulary({"b c", "a b", "a a"});
    QVERIFY(tokenizer.encode("abc") == (std::vector<int>{'a', 256}));
    QVERIFY(tokenizer.encode("aaa") == (std::vector<int>{258, 'a'}));
  }

  void alphabet() {
    QCOMPARE(std::string(text::spellByte(' ')), std::string("\xC4\xA0"));  // U+0120, as GPT-2 files show it
    QCOMPARE(std::string(text::spellByte('!')), std::string("!"));
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
    const auto back = text::bytesOfSpelling(text::spellBytes(all));
    QVERIFY(back && *back == all);
    QVERIFY(!text::bytesOfSpelling(" ").has_value());
    QVERIFY(!text::bytesOfSpelling("\xE2\x82\xAC").has_value());
  }

  void missingByteIsAnError() {
    text::ByteLevelBpeData data;
    data.tokens = {"a", "b"};
    const text::ByteLevelBpe tokenizer(std::move(data));
    QVERIFY(tokenizer.encode("ab") == (std::vector<int>{0, 1}));
    QVERIFY_THROWS_EXCEPTION(model::Error, tokenizer.encode("abc"));
  }

  void brokenVocabulariesAreRefused() {
    using text::TokenType;
    QVERIFY_THROWS_EXCEPTION(model::Error, text::ByteLevelBpe({.tokens = {"a"}, .merges = {"a"}}));
    QVERIFY_THROWS_EXCEPTION(model::Error,
                             text::ByteLevelBpe({.tokens = {"a"}, .merges = {}, .endToken = 1}));
    QVERIFY_THROWS_EXCEPTION(
        model::Error, text::SentencePieceBpe({.tokens = {"a", "b"}, .scores = {0.0f}, .tokenTypes = {}}));
    QVERIFY_THROWS_EXCEPTION(
        model::Error,
        text::SentencePieceBpe({.tokens = {"<0xZZ>"}, .scores = {0.0f}, .tokenTypes = {TokenType::Byte}}));
  }

  void controlTokensNeverComeFromText() {
    const auto tokenizer =
        formats::loadGgufTokenizer(tests::fixturePath("tokenizers/ggml-vocab-llama-spm.gguf"));
    const std::vector<int> ids = tokenizer->encode("<s></s>");
    QVERIFY(std::find(ids.begin(), ids.end(), tokenizer->beginToken()) == ids.end());
    QVERIFY(std::find(ids.begin(), ids.end(), tokenizer->endToken()) == ids.end());
    QCOMPARE(tokenizer->pieceBytes(tokenizer->beginToken()), std::string());
  }

  // User-defined tokens "<x>", "<xy>", "xyz" and "ab cd", control tokens "<c>" and "<|im_end|>".
  void addedTokens_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<bool>("parsed");
    QTest::addColumn<QStringList>("parts");
    using L = QStringList;
    QTest::newRow("none") << "abc" << false << L{"abc"};
    QTest::newRow("in text") << "a<x>b" << false << L{"a", "[<x>]", "b"};
    QTest::newRow("side by side") << "<x><x>" << false << L{"[<x>]", "[<x>]"};
    QTest::newRow("the longer one at a place") << "<xy>" << false << L{"[<xy>]"};
    QTest::newRow("the longer one of two that overlap") << "<xyz" << false << L{"<", "[xyz]"};
    QTest::newRow("with a space in it") << "xab cdx" << false << L{"x", "[ab cd]", "x"};
    QTest::newRow("control tokens are text") << "a<c>b" << false << L{"a<c>b"};
    QTest::newRow("unless asked for") << "a<c>b" << true << L{"a", "[<c>]", "b"};
    QTest::newRow("both kinds") << "<c><x>" << true << L{"[<c>]", "[<x>]"};
    QTest::newRow("white space after one goes") << "a<|im_end|> \n b" << true << L{"a", "[<|im_end|>]", "b"};
    QTest::newRow("white space before one goes") << "a  xyz b" << false << L{"a", "[xyz]", " b"};
    QTest::newRow("but not another token's") << "<|im_end|> <x>" << true << L{"[<|im_end|>]", "[<x>]"};
    QTest::newRow("cut short") << "<x" << false << L{"<x"};
  }
  void addedTokens() {
    QFETCH(QString, text);
    QFETCH(bool, parsed);
    QFETCH(QStringList, parts);
    using text::TokenType;
    const std::vector<std::string> tokens = {"a", "<x>", "<xy>", "xyz", "ab cd", "<c>", "<|im_end|>"};
    const text::AddedTokens added(
        tokens,
        {TokenType::Normal, TokenType::UserDefined, TokenType::UserDefined, TokenType::UserDefined,
         TokenType::UserDefined, TokenType::Control, TokenType::Control},
        {.left = {3}, .right = {6}});
    const std::string bytes = text.toStdString();
    QStringList found;
    for (const text::TextPart& part :
         added.split(bytes, parsed ? model::SpecialText::Parsed : model::SpecialText::Plain)) {
      found << (part.token < 0
                    ? QString::fromStdString(std::string(part.text))
                    : QString::fromStdString("[" + tokens[static_cast<std::size_t>(part.token)] + "]"));
    }
    QCOMPARE(found, parts);
  }

  // Against a search that takes the tokens one by one, longest first, and cuts the text at each place.
  void addedTokensAgainstPlainSearch() {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
      std::set<std::string> drawn;
      while (drawn.size() < 6) {
        std::string token;
        for (std::size_t k = 0, length = 1 + random() % 4; k < length; ++k)
          token.push_back("ab<"[random() % 3]);
        drawn.insert(token);
      }
      const std::vector<std::string> tokens(drawn.begin(), drawn.end());
      std::string text;
      for (int k = 0; k < 30; ++k) text.push_back("ab<c"[random() % 4]);

      std::vector<std::size_t> order(tokens.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return tokens[a].size() > tokens[b].size(); });
      std::vector<std::pair<std::string, int>> parts = {{text, -1}};
      // Of equally long tokens that overlap the first in the text counts: they are one class.
      for (std::size_t length = 4; length > 0; --length) {
        std::vector<std::pair<std::string, int>> cut;
        for (const auto& [part, token] : parts) {
          std::string rest;
          for (std::size_t at = 0; token < 0 && at < part.size();) {
            const auto found = std::find(tokens.begin(), tokens.end(), part.substr(at, length));
            if (found == tokens.end() || found->size() != length) {
              rest.push_back(part[at++]);
              continue;
            }
            if (!rest.empty()) cut.emplace_back(rest, -1);
            rest.clear();
            cut.emplace_back("", static_cast<int>(found - tokens.begin()));
            at += length;
          }
          if (!rest.empty()) cut.emplace_back(rest, -1);
          if (token >= 0) cut.emplace_back("", token);
        }
        parts = std::move(cut);
      }
      const text::AddedTokens added(
          tokens, std::vector<text::TokenType>(tokens.size(), text::TokenType::UserDefined));
      std::vector<std::pair<std::string, int>> found;
      for (const text::TextPart& part : added.split(text, model::SpecialText::Plain)) {
        found.emplace_back(std::string(part.text), part.token);
      }
      QVERIFY2(found == parts, text.c_str());
    }
  }

  void controlTokensWhenAskedFor() {
    const auto llama = formats::loadGgufTokenizer(tests::fixturePath("tokenizers/ggml-vocab-llama-spm.gguf"));
    // The prefix space comes back after each added token: "a" and "b" are the tokens of "_a" and "_b".
    const std::vector<int> a = llama->encode("a");
    const std::vector<int> b = llama->encode("b");
    QCOMPARE(a.size(), 1u);
    QVERIFY(llama->encode("a</s>b", model::SpecialText::Parsed) == (std::vector<int>{a[0], 2, b[0]}));
    QVERIFY(llama->encode("<s>", model::SpecialText::Parsed) == (std::vector<int>{1}));
    QVERIFY(llama->encode("<unk>", model::SpecialText::Parsed) == (std::vector<int>{0}));
    const auto gpt2 = formats::loadGgufTokenizer(tests::fixturePath("tokenizers/ggml-vocab-gpt-2.gguf"));
    QVERIFY(gpt2->encode("<|endoftext|>", model::SpecialText::Parsed) == (std::vector<int>{50256}));
    QVERIFY(gpt2->encode("<|endoftext|>").size() > 1);
    QVERIFY(gpt2->endsText(50256) && !gpt2->endsText(0) && !gpt2->endsText(-1));
  }

  // llama.cpp's models/ggml-vocab-tinyllama.gguf.inp and .out: TinyLlama has Llama's vocabulary, "</s>" is
  // read as the token.
  void textAroundAddedTokens_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("ids");
    QTest::newRow("words after it") << "abc</s> def ghi"
                                    << "25638 2 29871 822 330 2918";
    QTest::newRow("at the start") << "</s> XML"
                                  << "2 29871 6560";
    QTest::newRow("a space after it") << "a</s> b"
                                      << "263 2 29871 289";
    QTest::newRow("none") << "a</s>b"
                          << "263 2 289";
    QTest::newRow("two") << "a</s>  b"
                         << "263 2 259 289";
    QTest::newRow("a line break") << "a</s>\nb"
                                  << "263 2 29871 13 29890";
    QTest::newRow("no token") << " def ghi"
                              << "29871 822 330 2918";
  }
  void textAroundAddedTokens() {
    QFETCH(QString, text);
    QFETCH(QString, ids);
    const auto llama = formats::loadGgufTokenizer(tests::fixturePath("tokenizers/ggml-vocab-llama-spm.gguf"));
    QVERIFY(llama->encode(text.toStdString(), model::SpecialText::Parsed) ==
            tests::readIds(ids.toStdString()));
  }

  void rankedMergesOfCharacters() {
    using text::TokenType;
    text::SentencePieceBpeData data;
    data.tokens = {"<unk>", "a", "b", "c", "ab", "bc", "abc", "<0xC3>", "<0xA9>", "\n", "\n\n"};
    data.tokenTypes.assign(data.tokens.size(), TokenType::Normal);
    data.tokenTypes[0] = TokenType::Unknown;
    data.tokenTypes[7] = data.tokenTypes[8] = TokenType::Byte;
    data.unknownToken = 0;
    data.addSpacePrefix = false;
    data.merges = {"b c", "a b", "a bc"};
    const text::SentencePieceBpe tokenizer(data);
    QVERIFY(tokenizer.encode("abc") == (std::vector<int>{6}));
    QVERIFY(tokenizer.encode("abbc") == (std::vector<int>{4, 5}));
    QVERIFY(tokenizer.encode("a\xC3\xA9"
                             "bX") == (std::vector<int>{1, 7, 8, 2, 0}));
    QVERIFY(tokenizer.encode("\n\n") == (std::vector<int>{9, 9}));
    data.splitsAtLineBreaks = true;
    QVERIFY(text::SentencePieceBpe(data).encode("a\n\n"
                                                "b\n\n\n") == (std::vector<int>{1, 10, 2, 9, 9, 9}));
    data.merges = {"ab"};
    QVERIFY_THROWS_EXCEPTION(model::Error, text::SentencePieceBpe{data});
  }

  void turnEnds() {
    using text::TokenType;
    const std::vector<std::string> tokens = {"<|im_end|>", "<|eot_id|>", "<|end|>", "a", "<end_of_turn>"};
    const std::vector<TokenType> types(tokens.size(), TokenType::Control);
    QVERIFY(text::endOfTurnTokens(tokens, types) == (std::vector<int>{0, 1, 2, 4}));
    QVERIFY(text::endOfTurnTokens(tokens, std::vector<TokenType>(tokens.size(), TokenType::Normal)).empty());
    // GPT-OSS ends messages with <|end|>, turns with the others.
    QVERIFY(text::endOfTurnTokens({"<|end|>", "<|return|>", "<|call|>"},
                                  std::vector<TokenType>(3, TokenType::Control)) == (std::vector<int>{1, 2}));
    text::ByteLevelBpeData data;
    data.tokens = tokens;
    data.turnEndTokens = {1};
    data.endToken = 0;
    const text::ByteLevelBpe tokenizer(data);
    QVERIFY(tokenizer.endsText(0) && tokenizer.endsText(1) && !tokenizer.endsText(2) &&
            !tokenizer.endsText(-1));
    data.turnEndTokens = {5};
    QVERIFY_THROWS_EXCEPTION(model::Error, text::ByteLevelBpe{data});
  }

  void messagesQuoteSafely() {
    QCOMPARE(text::quotedName("a\nb\xFF"), std::string("\"a?b\xEF\xBF\xBD\""));
    // One that is inside would end it: what is quoted could not be told from the rest.
    QCOMPARE(text::quotedName("x\"y"), std::string("\"x'y\""));
    QVERIFY(text::quotedName(std::string(1000, 'x')).size() < 70);
  }
};

QTEST_GUILESS_MAIN(TstTokenizers)
#include "tst_tokenizers.moc"
