#include <QTest>

#include "core/model/error.h"
#include "core/text/byte_alphabet.h"
#include "core/training/bpe_trainer.h"

using namespace headroom;
using training::trainByteLevelBpe;

class TestBpeTrainer : public QObject {
  Q_OBJECT

 private slots:
  /// Counted by hand: "ab" 5 times, then "ab"+"c" 3 times; pairs seen once are not merged.
  void mergesTheMostFrequentPairFirst() {
    const text::ByteLevelBpeData data = trainByteLevelBpe("abc.abc.abc.ab.ab", 259);
    QCOMPARE(data.merges, (std::vector<std::string>{"a b", "ab c"}));
    QCOMPARE(data.tokens[256], "ab");
    QCOMPARE(data.tokens[257], "abc");
    QCOMPARE(data.tokens[258], "<|endoftext|>");
    QCOMPARE(data.endToken, 258);
    QCOMPARE(data.tokenTypes[258], text::TokenType::Control);
  }

  void tiesGoToTheLowerIds() {
    const text::ByteLevelBpeData data = trainByteLevelBpe("zy,ab,zy,ab", 258);
    QCOMPARE(data.merges, (std::vector<std::string>{"a b"}));
  }

  void overlappingPairsCountOnce() {
    // "aaaa" holds three overlapping pairs, but merging gives two tokens and no further pair of two.
    const text::ByteLevelBpeData data = trainByteLevelBpe("aaaa!aaaa", 259);
    QCOMPARE(data.merges, (std::vector<std::string>{"a a", "aa aa"}));
  }

  void mergesStayInsideWords() {
    const text::ByteLevelBpeData data = trainByteLevelBpe("the cat the cat the cat the cat", 261);
    for (const std::string& token : data.tokens) {
      if (token == "<|endoftext|>") continue;
      const std::string bytes = text::bytesOfSpelling(token).value();
      QVERIFY2(bytes.find(' ') == std::string::npos || bytes.find(' ') == 0, token.c_str());
    }
  }

  void encodesWhatItLearnt() {
    const std::string text = "low lower lowest low low newer newest wider";
    const text::ByteLevelBpe tokenizer(trainByteLevelBpe(text, 264));
    const std::vector<int> tokens = tokenizer.encode(text);
    QVERIFY(tokens.size() < text.size() / 2);
    QCOMPARE(tokenizer.decode(tokens), text);
    const std::string other = "Straße \xF0\x9F\x99\x82 \xFF\n\t tab";
    QCOMPARE(tokenizer.decode(tokenizer.encode(other)), other);
  }

  void sameTextSameVocabulary() {
    const std::string text = "to be or not to be that is the question whether tis nobler to be";
    const text::ByteLevelBpeData first = trainByteLevelBpe(text, 263);
    const text::ByteLevelBpeData second = trainByteLevelBpe(text, 263);
    QCOMPARE(first.merges, second.merges);
  }

  void refusesWhatCannotBe() {
    QVERIFY_EXCEPTION_THROWN(trainByteLevelBpe("abc", 257), model::Error);
    QVERIFY_EXCEPTION_THROWN(trainByteLevelBpe("abc", 300), model::Error);
    QVERIFY_EXCEPTION_THROWN(trainByteLevelBpe("", 300), model::Error);
  }
};

QTEST_GUILESS_MAIN(TestBpeTrainer)
#include "tst_bpe_trainer.moc"
