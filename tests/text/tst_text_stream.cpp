#include <QTest>

#include "core/text/byte_alphabet.h"
#include "core/text/byte_level_bpe.h"
#include "core/text/text_stream.h"
#include "core/text/utf8.h"

using namespace headroom;

class TstTextStream : public QObject {
  Q_OBJECT

 private slots:
  void pieces_data() {
    QTest::addColumn<QByteArrayList>("pieces");
    QTest::addColumn<QStringList>("shown");  // after each piece, then at the end
    using B = QByteArrayList;
    using S = QStringList;
    const QString broken(QChar(0xFFFD));
    QTest::newRow("letters") << B{"a", "bc"} << S{"a", "bc", ""};
    QTest::newRow("two bytes apart") << B{"\xC3", "\xA9"} << S{"", QString::fromUtf8("\u00E9"), ""};
    QTest::newRow("four bytes one by one")
        << B{"\xF0", "\x9F", "\x9A", "\x80!"} << S{"", "", "", QString::fromUtf8("\U0001F680!"), ""};
    QTest::newRow("text before the part")
        << B{"ab\xE2\x82", "\xAC"} << S{"ab", QString::fromUtf8("\u20AC"), ""};
    QTest::newRow("never finished") << B{"x\xE2\x82"} << S{"x", broken + broken};
    QTest::newRow("broken off by a letter") << B{"\xE2\x82", "z"} << S{"", broken + broken + "z", ""};
    QTest::newRow("broken off by another start")
        << B{"\xC3", "\xC3\xA9"} << S{"", broken + QString::fromUtf8("\u00E9"), ""};
    QTest::newRow("lone continuation") << B{"\x80"} << S{broken, ""};
    QTest::newRow("never a start") << B{"\xFF", "\xC0"} << S{broken, broken, ""};
    QTest::newRow("surrogate is hopeless at its second byte")
        << B{"\xED", "\xA0", "\x80"} << S{"", broken + broken, broken, ""};
    QTest::newRow("above U+10FFFF as well") << B{"\xF4", "\x90"} << S{"", broken + broken, ""};
    QTest::newRow("U+D7FF is a character")
        << B{"\xED", "\x9F", "\xBF"} << S{"", "", QString(QChar(0xD7FF)), ""};
    QTest::newRow("overlong") << B{"\xE0", "\x80"} << S{"", broken + broken, ""};
    QTest::newRow("nothing") << B{"", ""} << S{"", "", ""};
  }
  void pieces() {
    QFETCH(QByteArrayList, pieces);
    QFETCH(QStringList, shown);
    text::TextStream stream;
    QStringList found;
    for (const QByteArray& piece : pieces) found << QString::fromStdString(stream.feed(piece.toStdString()));
    found << QString::fromStdString(stream.finish());
    QCOMPARE(found, shown);
    QCOMPARE(stream.finish(), std::string());
  }

  void anyCutGivesTheSameText() {
    std::string bytes =
        "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x80\x80\xC3(\xE2\x82\xFF\xED\xA0\x80 z\xF0\x9F\x9A";
    const std::string whole = text::replaceInvalidUtf8(bytes);
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
      for (std::size_t second = first; second <= bytes.size(); ++second) {
        text::TextStream stream;
        std::string text = stream.feed(std::string_view(bytes).substr(0, first));
        text += stream.feed(std::string_view(bytes).substr(first, second - first));
        text += stream.feed(std::string_view(bytes).substr(second));
        text += stream.finish();
        QCOMPARE(text, whole);
      }
    }
  }

  void tokens() {
    text::ByteLevelBpeData data;
    for (int byte = 0; byte < 256; ++byte) {
      data.tokens.emplace_back(text::spellByte(static_cast<std::uint8_t>(byte)));
    }
    const text::ByteLevelBpe tokenizer(std::move(data));
    text::TextStream stream;
    QCOMPARE(stream.feed(tokenizer, 0xC3), std::string());
    QCOMPARE(stream.feed(tokenizer, 0xA9), std::string("\xC3\xA9"));
    QCOMPARE(stream.feed(tokenizer, -1), std::string());
  }
};

QTEST_GUILESS_MAIN(TstTextStream)
#include "tst_text_stream.moc"
