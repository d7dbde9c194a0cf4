#include <QTest>

#include "core/text/unicode_composition.h"

using namespace headroom;

class TstUnicodeComposition : public QObject {
  Q_OBJECT

 private slots:
  // From Unicode Standard Annex 15, its figures and NormalizationTest.txt.
  void formC_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("composed");
    QTest::newRow("ASCII") << "abc"
                           << "abc";
    QTest::newRow("already composed") << u"\u00E9"_qs << u"\u00E9"_qs;
    QTest::newRow("letter and accent") << u"e\u0301"_qs << u"\u00E9"_qs;
    QTest::newRow("Angstrom sign is a letter") << u"\u212B"_qs << u"\u00C5"_qs;
    QTest::newRow("Ohm sign is a letter") << u"\u2126"_qs << u"\u03A9"_qs;
    QTest::newRow("two marks in one character") << u"s\u0323\u0307"_qs << u"\u1E69"_qs;
    QTest::newRow("marks in the other order") << u"s\u0307\u0323"_qs << u"\u1E69"_qs;
    QTest::newRow("a composed one, then another mark") << u"\u1E0B\u0323"_qs << u"\u1E0D\u0307"_qs;
    QTest::newRow("compatibility characters stay") << u"\uFB01\u00B2"_qs << u"\uFB01\u00B2"_qs;
    QTest::newRow("long s with dots") << u"\u1E9B\u0323"_qs << u"\u1E9B\u0323"_qs;
    QTest::newRow("excluded from composition") << u"\u0958"_qs << u"\u0915\u093C"_qs;
    QTest::newRow("single, then nothing") << u"\u0374"_qs << u"\u02B9"_qs;
    QTest::newRow("Hangul of two parts") << u"\u1100\u1161"_qs << u"\uAC00"_qs;
    QTest::newRow("Hangul of three parts") << u"\u1100\u1161\u11A8"_qs << u"\uAC01"_qs;
    QTest::newRow("Hangul syllable and trailing part") << u"\uAC00\u11A8"_qs << u"\uAC01"_qs;
    QTest::newRow("a mark between blocks the next") << u"a\u0328\u0345\u0301"_qs << u"\u0105\u0301\u0345"_qs;
    QTest::newRow("marks without a letter") << u"\u0301e\u0301"_qs << u"\u0301\u00E9"_qs;
    QTest::newRow("compatibility ideograph") << u"\uF900"_qs << u"\u8C48"_qs;
    QTest::newRow("above U+FFFF") << QString::fromUtf8("\U0001D15E")
                                  << QString::fromUtf8("\U0001D157\U0001D165");
  }
  void formC() {
    QFETCH(QString, text);
    QFETCH(QString, composed);
    QCOMPARE(QString::fromStdString(text::composeCharacters(text.toStdString())), composed);
  }

  // Qt normalises by tables of its own, of Unicode 13 here: what both know must agree.
  void everyCharacterAsQtHasIt() {
    int checked = 0;
    for (char32_t character = 0x80; character < 0x30000; ++character) {
      if (character >= 0xD800 && character <= 0xDFFF) continue;
      if (QChar::unicodeVersion(character) == QChar::Unicode_Unassigned) continue;
      const QString text = "a" + QString::fromUcs4(&character, 1) + u"\u0323\u0301"_qs;
      const QString ours = QString::fromStdString(text::composeCharacters(text.toStdString()));
      const QString expected = text.normalized(QString::NormalizationForm_C);
      if (ours != expected) QFAIL(qPrintable(QString("U+%1").arg(static_cast<uint>(character), 0, 16)));
      ++checked;
    }
    QVERIFY(checked > 100000);
  }

  void brokenBytesStay() {
    QCOMPARE(text::composeCharacters("e\xCC\x81\xFF"
                                     "e\xCC\x81\xE2\x82"),
             std::string("\xC3\xA9\xFF\xC3\xA9\xE2\x82"));
  }
};

QTEST_GUILESS_MAIN(TstUnicodeComposition)
#include "tst_unicode_composition.moc"
