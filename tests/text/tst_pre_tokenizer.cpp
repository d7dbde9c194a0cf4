#include <QTest>

#include "core/model/error.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/pre_tokenizer_families.h"

using namespace headroom;

namespace {
QStringList wordsOf(const text::PreTokenizer& preTokenizer, const QString& text) {
  const std::string bytes = text.toStdString();
  QStringList words;
  for (std::string_view word : preTokenizer.split(bytes)) {
    words << QString::fromUtf8(word.data(), static_cast<qsizetype>(word.size()));
  }
  return words;
}
}  // namespace

class TstPreTokenizer : public QObject {
  Q_OBJECT

 private slots:
  // Worked out by hand from the published expressions.
  void families_data() {
    QTest::addColumn<QString>("family");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QStringList>("words");
    using L = QStringList;
    QTest::newRow("gpt-2") << "gpt-2"
                           << "It's 12345  x!" << L{"It", "'s", " 12345", " ", " x", "!"};
    QTest::newRow("gpt-2: white space before a word goes but for one") << "gpt-2"
                                                                       << "a\t\n b" << L{"a", "\t\n", " b"};
    QTest::newRow("gpt-2: contractions in lower case only") << "gpt-2"
                                                            << "I'LL I'll" << L{"I", "'", "LL", " I", "'ll"};
    QTest::newRow("llama-bpe: at most three digits")
        << "llama-bpe"
        << "It'S 12345  x!" << L{"It", "'S", " ", "123", "45", " ", " x", "!"};
    QTest::newRow("llama-bpe: a mark goes with the word, line breaks with marks")
        << "llama-bpe"
        << "(ab)\n\nc" << L{"(ab", ")\n\n", "c"};
    QTest::newRow("llama3 is llama-bpe") << "llama3"
                                         << "It'S 1234" << L{"It", "'S", " ", "123", "4"};
    QTest::newRow("qwen2: single digits") << "qwen2"
                                          << "a 12" << L{"a", " ", "1", "2"};
    QTest::newRow("qwen2: combining marks are no letters")
        << "qwen2" << QString::fromUtf8("e\u0301a") << L{"e", QString::fromUtf8("\u0301a")};
    QTest::newRow("qwen35: combining marks are")
        << "qwen35" << QString::fromUtf8("e\u0301a") << L{QString::fromUtf8("e\u0301a")};
    QTest::newRow("falcon: marks first, then words, then threes of digits")
        << "falcon"
        << "a==b 12345" << L{"a", "==", "b", " ", "123", "45"};
    QTest::newRow("default: numbers apart from their spaces") << "default"
                                                              << "a 12" << L{"a", " ", "12"};
    QTest::newRow("starcoder: each digit, then words") << "starcoder"
                                                       << "x 12 y" << L{"x", " ", "1", "2", " y"};
    QTest::newRow("deepseek-llm: line breaks, letters, marks, trailing spaces, numbers")
        << "deepseek-llm"
        << "a b!\n12  " << L{"a", " b", "!", "\n", "12", "  "};
    QTest::newRow("deepseek-llm: Chinese apart from Latin letters")
        << "deepseek-llm" << QString::fromUtf8("ab\u6211\u60F3c")
        << L{"ab", QString::fromUtf8("\u6211\u60F3"), "c"};
    QTest::newRow("deepseek-coder: single digits") << "deepseek-coder"
                                                   << "a1 23" << L{"a", "1", " ", "2", "3"};
    QTest::newRow("deepseek-v3: a mark before Latin letters goes with them")
        << "deepseek-v3"
        << "a.bc 1234" << L{"a", ".bc", " ", "123", "4"};
    QTest::newRow("deepseek-v3: Japanese and Chinese apart")
        << "deepseek-v3" << QString::fromUtf8("x\u3042\u6211y")
        << L{"x", QString::fromUtf8("\u3042\u6211"), "y"};
    QTest::newRow("tekken: a capital starts a word") << "tekken"
                                                     << "HelloWorld 12" << L{"Hello", "World", " ", "1", "2"};
    QTest::newRow("gpt-4o: contractions stay with their word")
        << "gpt-4o"
        << "DON'T I'll HTTPServer 1234" << L{"DON'T", " I'll", " HTTPServer", " ", "123", "4"};
    QTest::newRow("llama4 is gpt-4o") << "llama4"
                                      << "I'll" << L{"I'll"};
    QTest::newRow("chameleon: image tokens and pairs of spaces")
        << "chameleon"
        << "IMGIMGABZ  a" << L{"IMGIMGABZ", "  ", "a"};
    QTest::newRow("bloom: marks alone") << "bloom"
                                        << "ab, cd." << L{"ab", ",", " cd", "."};
    QTest::newRow("viking: and digits") << "viking"
                                        << "ab12" << L{"ab", "1", "2"};
    QTest::newRow("superbpe: threes from the right") << "superbpe"
                                                     << "1234567" << L{"1", "234", "567"};
    QTest::newRow("superbpe: an even number of threes") << "superbpe"
                                                        << "123456" << L{"123", "456"};
    QTest::newRow("superbpe: words stay whole") << "superbpe"
                                                << "a b12" << L{"a b", "12"};
    QTest::newRow("afmoe: threes from the right") << "afmoe"
                                                  << "12345 1" << L{"12", "345", " ", "1"};
    QTest::newRow("tiny_aya: threes from the right") << "tiny_aya"
                                                     << "12345678 1" << L{"12", "345", "678", " ", "1"};
    QTest::newRow("tiny_aya: a number within a word is no number") << "tiny_aya"
                                                                   << "1234567a" << L{"123", "456", "7", "a"};
    QTest::newRow("kimi-k2: Han apart from other letters")
        << "kimi-k2" << QString::fromUtf8("ab\u6211\u60F3c")
        << L{"ab", QString::fromUtf8("\u6211\u60F3"), "c"};
    QTest::newRow("kimi-k2: a Chinese full stop is no Han")
        << "kimi-k2" << QString::fromUtf8("\u6211\u3002")
        << L{QString::fromUtf8("\u6211"), QString::fromUtf8("\u3002")};
    QTest::newRow("exaone-moe: several words in one") << "exaone-moe"
                                                      << "ab cd 1" << L{"ab cd", " ", "1"};
    QTest::newRow("jais-2: white space in powers of two")
        << "jais-2"
        << "a" + QString(7, ' ') << L{"a", "    ", "  ", " "};
    QTest::newRow("laguna: lines first") << "laguna"
                                         << "a\n\nb" << L{"a", "\n\n", "b"};
  }
  void families() {
    QFETCH(QString, family);
    QFETCH(QString, text);
    QFETCH(QStringList, words);
    QCOMPARE(wordsOf(text::PreTokenizer(family.toStdString()), text), words);
  }

  void everyFamilyKeepsTheText_data() {
    QTest::addColumn<QString>("family");
    for (const text::PreTokenizerFamily& family : text::preTokenizerFamilies()) {
      const QString name = QString::fromUtf8(family.name.data(), static_cast<qsizetype>(family.name.size()));
      QTest::newRow(qPrintable(name)) << name;
    }
  }
  void everyFamilyKeepsTheText() {
    QFETCH(QString, family);
    const text::PreTokenizer preTokenizer(family.toStdString());
    const QString text = QString::fromUtf8(
        "It's  DON'T 12345\u00BD \u4E2D\u6587\u3042\uAC00 e\u0301 \u0E01\u0E33\r\n\n\t x==y (z)!? "
        "\u00A0\u3000 <sentinel:1>IMGIMGAZ \U0001F680\u200D  ");
    const QStringList words = wordsOf(preTokenizer, text);
    QCOMPARE(words.join(""), text);
    QVERIFY(!words.contains(""));
    QVERIFY(words.size() > 2);
    // Nothing takes time or stack in more than proportion to the text.
    for (const char* run : {"a", "7", "7a", "\n", "A'", "\u4E2D", "a "}) {
      const std::string longText = QString::fromUtf8(run).repeated(20000).toStdString();
      std::size_t bytes = 0;
      for (std::string_view word : preTokenizer.split(longText)) bytes += word.size();
      QCOMPARE(bytes, longText.size());
    }
  }

  void whiteSpaceIsUnicodes() {
    // U+0085 and U+3000 are white space, U+180E has not been since Unicode 6.3.
    const text::PreTokenizer preTokenizer("gpt-2");
    QCOMPARE(wordsOf(preTokenizer, QString::fromUtf8("a\u0085\u3000b")),
             (QStringList{"a", QString::fromUtf8("\u0085"), QString::fromUtf8("\u3000"), "b"}));
    QCOMPARE(wordsOf(preTokenizer, QString::fromUtf8("a \u180E!")),
             (QStringList{"a", QString::fromUtf8(" \u180E!")}));
  }

  void brokenBytesStandAlone() {
    const text::PreTokenizer preTokenizer("gpt-2");
    const std::vector<std::string_view> words = preTokenizer.split(
        "ab\xFF\xFE"
        "c");
    QVERIFY(words == (std::vector<std::string_view>{"ab", "\xFF", "\xFE", "c"}));
  }

  void ownExpressions() {
    const text::PreTokenizer none(std::vector<std::string>{});
    QCOMPARE(wordsOf(none, "a b"), QStringList{"a b"});
    const text::PreTokenizer two(std::vector<std::string>{"[0-9]", "-"});
    QCOMPARE(wordsOf(two, "a-b1-2"), (QStringList{"a", "-", "b", "1", "-", "2"}));
    QVERIFY_THROWS_EXCEPTION(model::Error, text::PreTokenizer(std::vector<std::string>{"(a"}));
    QVERIFY(text::PreTokenizer("gpt-2").split("").empty());
  }

  void catastrophicExpressionIsAnError() {
    const text::PreTokenizer hostile(std::vector<std::string>{"(?:a+)+b|(?:a|a?)+c"});
    const std::string text(5000, 'a');
    QVERIFY_THROWS_EXCEPTION(model::Error, hostile.split(text));
  }

  void unknownFamiliesNameTheNearest_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("nearest");
    QTest::newRow("a version too new") << "qwen2.5"
                                       << "qwen2,";
    QTest::newRow("another dash") << "gpt2"
                                  << "gpt-2";
    QTest::newRow("empty") << ""
                           << "mpt";
    QTest::newRow("megabytes") << QString(3000000, 'x') << "nearest";
  }
  void unknownFamiliesNameTheNearest() {
    QFETCH(QString, name);
    QFETCH(QString, nearest);
    try {
      const text::PreTokenizer preTokenizer(name.toStdString());
      QFAIL("not refused");
    } catch (const model::Error& error) {
      const QString message = QString::fromUtf8(error.what());
      QVERIFY2(message.contains(nearest), qPrintable(message));
      QVERIFY(message.size() < 300);
    }
  }

  void familiesAreFoundByTheirRules() {
    const auto& gpt2 = text::preTokenizerFamily("gpt-2");
    QVERIFY(text::findPreTokenizerFamily({std::string(gpt2.expressions[0])}, false) == &gpt2);
    QVERIFY(text::findPreTokenizerFamily({std::string(gpt2.expressions[0])}, true) == nullptr);
    QVERIFY(text::findPreTokenizerFamily({}, false) == nullptr);
  }
};

QTEST_GUILESS_MAIN(TstPreTokenizer)
#include "tst_pre_tokenizer.moc"
