#include <QTest>
#include <algorithm>
#include <array>

#include "core/model/error.h"
#include "core/text/sentencepiece_text.h"

using namespace headroom;
using text::TokenType;

/// How SentencePiece vocabularies spell text, which two tokenizers and two formats go by.
class TestSentencePieceText : public QObject {
  Q_OBJECT

 private slots:
  void words_data() {
    QTest::addColumn<QString>("escaped");
    QTest::addColumn<bool>("spaces");
    QTest::addColumn<bool>("lineBreaks");
    QTest::addColumn<QStringList>("expected");
    const QString text = "\u2581a\u2581\u2581b\n\nc";
    QTest::newRow("no edges") << text << false << false << QStringList{text};
    QTest::newRow("spaces") << text << true << false << QStringList{"\u2581a", "\u2581", "\u2581b\n\nc"};
    QTest::newRow("line breaks") << text << false << true << QStringList{"\u2581a\u2581\u2581b", "\n\n", "c"};
    QTest::newRow("both") << text << true << true << QStringList{"\u2581a", "\u2581", "\u2581b", "\n\n", "c"};
    QTest::newRow("one byte") << "x" << true << true << QStringList{"x"};
    QTest::newRow("nothing") << "" << true << true << QStringList{""};
  }
  void words() {
    QFETCH(QString, escaped);
    QFETCH(bool, spaces);
    QFETCH(bool, lineBreaks);
    QFETCH(QStringList, expected);
    const std::string bytes = escaped.toStdString();
    QStringList words;
    for (std::string_view word : text::splitWords(bytes, {.spaces = spaces, .lineBreaks = lineBreaks})) {
      words.append(QString::fromStdString(std::string(word)));
    }
    QCOMPARE(words, expected);
  }

  void bytesOfPieces() {
    std::array<int, 256> byteTokens;
    byteTokens.fill(-1);
    QCOMPARE(text::bytesOfPiece("\u2581a", TokenType::Normal, 3, byteTokens), std::string(" a"));
    QCOMPARE(text::bytesOfPiece("<x>", TokenType::UserDefined, 4, byteTokens), std::string("<x>"));
    QCOMPARE(text::bytesOfPiece("</s>", TokenType::Control, 5, byteTokens), std::string());
    QCOMPARE(text::bytesOfPiece("<unk>", TokenType::Unknown, 6, byteTokens), std::string());
    QCOMPARE(text::bytesOfPiece("<0x0A>", TokenType::Byte, 7, byteTokens), std::string("\n"));
    QCOMPARE(text::bytesOfPiece("<0x00>", TokenType::Byte, 8, byteTokens), std::string(1, '\0'));
    QCOMPARE(byteTokens[10], 7);
    QCOMPARE(byteTokens[0], 8);
    QCOMPARE(std::ranges::count(byteTokens, -1), std::ptrdiff_t{254});
    QVERIFY_THROWS_EXCEPTION(model::Error, text::bytesOfPiece("\n", TokenType::Byte, 9, byteTokens));
  }

  void byteTokensOfFilesThatCallThemNormal() {
    std::vector<TokenType> types{TokenType::Normal, TokenType::Normal, TokenType::UserDefined};
    text::markByteTokens({"<0x41>", "a", "<0x42>"}, types);
    QCOMPARE(types[0], TokenType::Byte);
    QCOMPARE(types[1], TokenType::Normal);
    QCOMPARE(types[2], TokenType::UserDefined);
  }
};

QTEST_GUILESS_MAIN(TestSentencePieceText)
#include "tst_sentencepiece_text.moc"
