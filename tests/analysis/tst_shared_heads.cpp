#include <QTest>

#include "core/analysis/shared_heads.h"

using namespace headroom;
using model::HeadRange;

/// Which heads belong together, in one model and between models.
class TestSharedHeads : public QObject {
  Q_OBJECT

 private slots:
  void heads_data() {
    QTest::addColumn<int>("pointedKvHeads");
    QTest::addColumn<int>("kvHead");
    QTest::addColumn<int>("kvHeads");
    QTest::addColumn<int>("kvFirst");
    QTest::addColumn<int>("kvEnd");
    QTest::addColumn<int>("queryFirst");
    QTest::addColumn<int>("queryEnd");
    // Of 8 query heads.
    QTest::newRow("MHA's own") << 8 << 3 << 8 << 3 << 4 << 3 << 4;
    QTest::newRow("GQA's own") << 2 << 1 << 2 << 1 << 2 << 4 << 8;
    QTest::newRow("MQA's own") << 1 << 0 << 1 << 0 << 1 << 0 << 8;
    QTest::newRow("from MHA in GQA") << 8 << 3 << 2 << 0 << 1 << 0 << 4;
    QTest::newRow("from MHA in MQA") << 8 << 7 << 1 << 0 << 1 << 0 << 8;
    QTest::newRow("from GQA in MHA") << 2 << 1 << 8 << 4 << 8 << 4 << 8;
    QTest::newRow("from MQA in MHA") << 1 << 0 << 8 << 0 << 8 << 0 << 8;
    QTest::newRow("from MQA in GQA") << 1 << 0 << 2 << 0 << 2 << 0 << 8;
  }
  void heads() {
    QFETCH(int, pointedKvHeads);
    QFETCH(int, kvHead);
    QFETCH(int, kvHeads);
    QFETCH(int, kvFirst);
    QFETCH(int, kvEnd);
    QFETCH(int, queryFirst);
    QFETCH(int, queryEnd);
    const auto shared = analysis::sharedHeads({8, pointedKvHeads, 40}, kvHead, {8, kvHeads, 40});
    QVERIFY(shared);
    QCOMPARE(shared->kv, (HeadRange{kvFirst, kvEnd}));
    QCOMPARE(shared->query, (HeadRange{queryFirst, queryEnd}));
  }

  void otherModelsHaveNone() {
    QVERIFY(!analysis::sharedHeads({8, 8, 40}, 0, {32, 8, 40}));
    QVERIFY(!analysis::sharedHeads({8, 2, 40}, 2, {8, 2, 40}));
  }
};

QTEST_GUILESS_MAIN(TestSharedHeads)
#include "tst_shared_heads.moc"
