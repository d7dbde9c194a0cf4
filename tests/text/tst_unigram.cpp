#include <QTest>
#include <map>
#include <random>

#include "core/model/error.h"
#include "core/text/unigram.h"

using namespace headroom;
using text::SpacePrefix;
using text::TokenType;
using text::UnigramData;

namespace {
const std::string kSpace = "\xE2\x96\x81";

UnigramData vocabulary(const std::vector<std::pair<std::string, double>>& pieces) {
  UnigramData data;
  data.tokens = {"<unk>", "<s>", "</s>"};
  data.scores = {0.0, 0.0, 0.0};
  data.tokenTypes = {TokenType::Unknown, TokenType::Control, TokenType::Control};
  for (const auto& [piece, score] : pieces) {
    data.tokens.push_back(piece);
    data.scores.push_back(score);
    data.tokenTypes.push_back(TokenType::Normal);
  }
  data.unknownToken = 0;
  data.beginToken = 1;
  data.endToken = 2;
  return data;
}

std::vector<std::string> spellings(const text::Unigram& tokenizer, const std::string& text) {
  std::vector<std::string> result;
  for (int token : tokenizer.encode(text)) {
    result.push_back(tokenizer.data().tokens[static_cast<std::size_t>(token)]);
  }
  return result;
}

/// The highest sum of scores over all ways to write `text` in pieces and single unknown characters, by trying
/// every one of them.
double bestScore(const std::string& text, const std::map<std::string, double>& pieces, double unknownScore) {
  if (text.empty()) return 0.0;
  double best = -1e300;
  for (std::size_t length = 1; length <= text.size(); ++length) {
    const auto found = pieces.find(text.substr(0, length));
    if (found == pieces.end() && length > 1) continue;
    const double score = found == pieces.end() ? unknownScore : found->second;
    best = std::max(best, score + bestScore(text.substr(length), pieces, unknownScore));
  }
  return best;
}

/// A double array trie of `entries` (text, replacement), put together slot by slot, as SentencePiece stores
/// it.
std::string compiledCharsmap(const std::map<std::string, std::string>& entries) {
  std::vector<std::uint32_t> units(4096, 0);
  std::vector<bool> isUsed(units.size(), false);
  std::string replacements;
  isUsed[0] = true;
  struct Node {
    std::string prefix;
    std::uint32_t slot;
  };
  std::vector<Node> open = {{"", 0}};
  while (!open.empty()) {
    const Node node = open.back();
    open.pop_back();
    std::vector<std::uint32_t> labels;
    for (const auto& [text, replacement] : entries) {
      if (text.size() <= node.prefix.size() || text.substr(0, node.prefix.size()) != node.prefix) continue;
      const auto label = static_cast<std::uint8_t>(text[node.prefix.size()]);
      if (labels.empty() || labels.back() != label) labels.push_back(label);
    }
    const auto own = entries.find(node.prefix);
    if (own != entries.end()) labels.insert(labels.begin(), 0);
    std::uint32_t base = 1;
    const auto isTaken = [&](std::uint32_t label) { return isUsed[base ^ label]; };
    while (std::any_of(labels.begin(), labels.end(), isTaken)) ++base;
    units[node.slot] |= (node.slot ^ base) << 10;
    for (std::uint32_t label : labels) {
      const std::uint32_t slot = base ^ label;
      isUsed[slot] = true;
      if (label == 0) {
        units[node.slot] |= 1u << 8;
        units[slot] = 1u << 31 | static_cast<std::uint32_t>(replacements.size());
        replacements += own->second + '\0';
      } else {
        units[slot] = label;
        open.push_back({node.prefix + static_cast<char>(label), slot});
      }
    }
  }
  std::string bytes;
  const auto append = [&](std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift & 0xFF));
  };
  append(static_cast<std::uint32_t>(units.size() * 4));
  for (std::uint32_t unit : units) append(unit);
  return bytes + replacements;
}
}  // namespace

class TstUnigram : public QObject {
  Q_OBJECT

 private slots:
  void theLikeliestWins() {
    // "abc" as "ab"+"c" costs 5, as "a"+"bc" 4, as "a"+"b"+"c" 9.
    const text::Unigram tokenizer([] {
      UnigramData data = vocabulary({{"a", -3}, {"b", -3}, {"c", -3}, {"ab", -2}, {"bc", -1}});
      data.spacePrefix = SpacePrefix::None;
      return data;
    }());
    QVERIFY(spellings(tokenizer, "abc") == (std::vector<std::string>{"a", "bc"}));
    QVERIFY(spellings(tokenizer, "ab") == (std::vector<std::string>{"ab"}));
    QVERIFY(tokenizer.encode("").empty());
  }

  void allSegmentations() {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> score(-12.0, -0.1);
    for (int round = 0; round < 40; ++round) {
      std::map<std::string, double> pieces;
      for (int i = 0; i < 12; ++i) {
        std::string piece;
        const auto length = 1 + random() % 3;
        for (std::size_t k = 0; k < length; ++k) piece.push_back(static_cast<char>('a' + random() % 4));
        pieces.emplace(piece, score(random));
      }
      UnigramData data = vocabulary({pieces.begin(), pieces.end()});
      data.spacePrefix = SpacePrefix::None;
      const text::Unigram tokenizer(std::move(data));
      double unknown = 0.0;
      for (const auto& [piece, value] : pieces) unknown = std::min(unknown, value);
      unknown -= 10.0;  // SentencePiece's penalty
      for (int i = 0; i < 20; ++i) {
        std::string text;
        const auto length = 1 + random() % 9;
        for (std::size_t k = 0; k < length; ++k) text.push_back(static_cast<char>('a' + random() % 5));
        double found = 0.0;
        std::size_t known = 0;
        for (int token : tokenizer.encode(text)) {
          if (token == 0) continue;
          found += tokenizer.data().scores[static_cast<std::size_t>(token)];
          known += tokenizer.data().tokens[static_cast<std::size_t>(token)].size();
        }
        found += static_cast<double>(text.size() - known) * unknown;  // one letter each
        QVERIFY2(std::abs(found - bestScore(text, pieces, unknown)) < 1e-9, text.c_str());
      }
    }
  }

  void unknownCharacters() {
    UnigramData data = vocabulary({{"a", -1}});
    data.spacePrefix = SpacePrefix::None;
    QVERIFY(text::Unigram(data).encode("aXYa\xC3\xA9") == (std::vector<int>{3, 0, 3, 0}));  // one for a run
    for (const char* byte : {"<0x58>", "<0xC3>", "<0xA9>"}) {
      data.tokens.emplace_back(byte);
      data.scores.push_back(0.0);
      data.tokenTypes.push_back(TokenType::Byte);
    }
    const text::Unigram withBytes(data);
    QVERIFY(withBytes.encode("aX\xC3\xA9") == (std::vector<int>{3, 4, 5, 6}));
    QCOMPARE(withBytes.decode({3, 4, 5, 6}), std::string("aX\xC3\xA9"));
    QVERIFY(withBytes.encode("aY") == (std::vector<int>{3, 0}));  // no token for that byte
    data.unknownToken = -1;
    const text::Unigram without(data);
    QVERIFY_THROWS_EXCEPTION(model::Error, without.encode("aY"));
  }

  void spaces_data() {
    QTest::addColumn<int>("prefix");
    QTest::addColumn<bool>("removesExtra");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("spelling");  // '_' for the escaped space
    const int every = static_cast<int>(SpacePrefix::EveryPart);
    const int none = static_cast<int>(SpacePrefix::None);
    QTest::newRow("prefix") << every << true << "a"
                            << "_a";
    QTest::newRow("extra spaces go") << every << true << "  a   b  "
                                     << "_a_b";
    QTest::newRow("only spaces") << every << true << "   "
                                 << "";
    QTest::newRow("extra spaces stay") << every << false << "  a  b "
                                       << "___a__b_";
    QTest::newRow("no prefix") << none << true << " a  b"
                               << "a_b";
    QTest::newRow("neither") << none << false << " a"
                             << "_a";
    QTest::newRow("prefix after an added token") << every << true << "a<x>b"
                                                 << "_a<x>_b";
    QTest::newRow("unless there") << static_cast<int>(SpacePrefix::EveryPartUnlessThere) << false
                                  << " a<x> b<x>c"
                                  << "_a<x>_b<x>_c";
    QTest::newRow("at the start only") << static_cast<int>(SpacePrefix::StartUnlessThere) << false << "a<x>b"
                                       << "_a<x>b";
  }
  void spaces() {
    QFETCH(int, prefix);
    QFETCH(bool, removesExtra);
    QFETCH(QString, text);
    QFETCH(QString, spelling);
    UnigramData data = vocabulary({{kSpace, -1}, {"a", -1}, {"b", -1}, {"c", -1}, {"<x>", 0}});
    data.tokenTypes.back() = TokenType::UserDefined;
    data.spacePrefix = static_cast<SpacePrefix>(prefix);
    data.removesExtraSpaces = removesExtra;
    const text::Unigram tokenizer(std::move(data));
    std::string found;
    for (const std::string& piece : spellings(tokenizer, text.toStdString()))
      found += piece == kSpace ? "_" : piece;
    QCOMPARE(QString::fromStdString(found), spelling);
  }

  void wordsApart() {
    UnigramData data =
        vocabulary({{kSpace + "a", -5}, {kSpace + "b", -5}, {kSpace + "a" + kSpace + "b", -1}});
    QCOMPARE(text::Unigram(data).encode("a b").size(), 1u);
    data.splitsAtSpaces = true;
    QCOMPARE(text::Unigram(data).encode("a b").size(), 2u);
  }

  void charsmap_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("normalized");
    QTest::newRow("nothing to do") << QByteArray("abc") << QByteArray("abc");
    QTest::newRow("one character") << QByteArray("\xEF\xAC\x81x") << QByteArray("fix");
    QTest::newRow("longest entry") << QByteArray("AB A") << QByteArray("ab 1");
    QTest::newRow("an entry taken out") << QByteArray(
                                               "a\xCC\x81"
                                               "b")
                                        << QByteArray("ab");
    QTest::newRow("start of an entry only") << QByteArray("\xEF\xAC") << QByteArray("\xEF\xAC");
    QTest::newRow("zero byte") << QByteArray("A\0A", 3)
                               << QByteArray(
                                      "1\0"
                                      "1",
                                      3);
  }
  void charsmap() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, normalized);
    const text::Charsmap map(
        compiledCharsmap({{"\xEF\xAC\x81", "fi"}, {"A", "1"}, {"AB", "ab"}, {"\xCC\x81", ""}}));
    QCOMPARE(QByteArray::fromStdString(map.normalize(text.toStdString())), normalized);
  }

  void brokenCharsmapsDoNoHarm() {
    const std::string sound = compiledCharsmap({{"A", "1"}, {"AB", "ab"}});
    for (std::size_t length = 1; length < sound.size(); length += 61) {
      QVERIFY_THROWS_EXCEPTION(model::Error, text::Charsmap(sound.substr(0, length)));
    }
    std::mt19937 random(3);
    for (int round = 0; round < 3000; ++round) {
      std::string broken = sound;
      for (int i = 0; i < 40; ++i) broken[4 + random() % 400] ^= static_cast<char>(1 << random() % 8);
      try {
        text::Charsmap(broken).normalize("ABBA \xC3\xA9 AB");
      } catch (const model::Error&) {
      }
    }
  }

  void brokenVocabulariesAreRefused() {
    const UnigramData sound = vocabulary({{"a", -1}});
    const auto refused = [&](auto change) {
      UnigramData data = sound;
      change(data);
      try {
        const text::Unigram tokenizer(std::move(data));
        return false;
      } catch (const model::Error&) {
        return true;
      }
    };
    QVERIFY(refused([](UnigramData& data) { data.scores.pop_back(); }));
    QVERIFY(refused([](UnigramData& data) { data.tokenTypes.pop_back(); }));
    QVERIFY(refused([](UnigramData& data) { data.scores[3] = NAN; }));
    QVERIFY(refused([](UnigramData& data) { data.unknownToken = 4; }));
    QVERIFY(refused([](UnigramData& data) { data.turnEndTokens = {9}; }));
    QVERIFY(refused([](UnigramData& data) { data.tokenTypes[3] = TokenType::Byte; }));
    QVERIFY(refused([](UnigramData& data) { data.charsmap = "abc"; }));
    QVERIFY(!refused([](UnigramData&) {}));
  }
};

QTEST_GUILESS_MAIN(TstUnigram)
#include "tst_unigram.moc"
