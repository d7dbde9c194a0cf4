#include <QTest>

#include "core/model/whole_number.h"

using headroom::model::wholeNumber;

class TestWholeNumber : public QObject {
  Q_OBJECT

 private slots:
  void numbers() {
    QCOMPARE(wholeNumber("0"), std::optional(0));
    QCOMPARE(wholeNumber("-17"), std::optional(-17));
    QCOMPARE(wholeNumber("2147483647"), std::optional(2147483647));
  }
  void none_data() {
    QTest::addColumn<QString>("text");
    for (const char* text : {"", " 1", "1 ", "+1", "1.0", "0x1", "1,2", "one", "2147483648", "-"}) {
      QTest::addRow("\"%s\"", text) << text;
    }
  }
  void none() {
    QFETCH(QString, text);
    QVERIFY(!wholeNumber(text.toStdString()));
  }
};

QTEST_GUILESS_MAIN(TestWholeNumber)
#include "tst_whole_number.moc"
