#include <QTest>
#include <string>
#include <vector>

#include "core/model/error.h"
#include "core/text/token_list.h"

using namespace headroom;

class TestTokenList : public QObject {
  Q_OBJECT

 private slots:
  void reads_data() {
    QTest::addColumn<QByteArray>("list");
    QTest::addColumn<QList<int>>("ids");
    QTest::newRow("commas") << QByteArray("1,2,3") << QList<int>{1, 2, 3};
    QTest::newRow("commas and spaces") << QByteArray(" 1, 2 ,3 ") << QList<int>{1, 2, 3};
    QTest::newRow("spaces") << QByteArray("10 0\t7\n") << QList<int>{10, 0, 7};
    QTest::newRow("largest") << QByteArray("2147483647") << QList<int>{2147483647};
    QTest::newRow("nothing") << QByteArray("  ") << QList<int>{};
  }
  void reads() {
    QFETCH(QByteArray, list);
    QFETCH(QList<int>, ids);
    const std::vector<int> read = text::parseTokenIds(list.toStdString());
    QCOMPARE(QList<int>(read.begin(), read.end()), ids);
  }

  void refuses_data() {
    QTest::addColumn<QByteArray>("list");
    QTest::addColumn<QByteArray>("named");
    QTest::newRow("word") << QByteArray("1, two") << QByteArray("\"two\"");
    QTest::newRow("negative") << QByteArray("1,-2") << QByteArray("\"-2\"");
    QTest::newRow("fraction") << QByteArray("1.5") << QByteArray("\"1.5\"");
    QTest::newRow("too large") << QByteArray("2147483648") << QByteArray("\"2147483648\"");
    QTest::newRow("two commas") << QByteArray("1,,2") << QByteArray("\",2\"");
    QTest::newRow("comma at the end") << QByteArray("1,2,") << QByteArray("\",\"");
    QTest::newRow("comma at the start") << QByteArray(",1") << QByteArray("\",1\"");
  }
  void refuses() {
    QFETCH(QByteArray, list);
    QFETCH(QByteArray, named);
    try {
      text::parseTokenIds(list.toStdString());
      QFAIL("it was read");
    } catch (const model::Error& error) {
      QVERIFY2(QByteArray(error.what()).startsWith(named + " in a token list"), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TestTokenList)
#include "tst_token_list.moc"
