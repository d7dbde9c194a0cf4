#include <QTest>

#include "core/model/error.h"
#include "core/model/intervention.h"

using namespace headroom;

/// What heads are called, and which ones a name means.
class TestHeadNames : public QObject {
  Q_OBJECT

  /// Three layers of eight query heads in two groups.
  static model::ModelConfig config() {
    model::ModelConfig config;
    config.layerCount = 3;
    config.attention = {8, 2, 4};
    return config;
  }

 private slots:
  void namesMeanHeads() {
    using Places = std::vector<model::HeadPlace>;
    QCOMPARE(model::headsNamed("L2H7", config()), (Places{{2, 7}}));
    // Ascending, each once, whatever the order.
    QCOMPARE(model::headsNamed("L2H1,L0H3,L2H1", config()), (Places{{0, 3}, {2, 1}}));
    // A KV head is all that read it.
    QCOMPARE(model::headsNamed("L1KV1,L1H5,L1H0", config()),
             (Places{{1, 0}, {1, 4}, {1, 5}, {1, 6}, {1, 7}}));
  }

  void refusals_data() {
    QTest::addColumn<QString>("names");
    for (const char* names : {"", ",", "L0H1,", "L3H0", "L0H8", "L0KV2", "L-1H0", "L0H-1", "H1L0", "L0",
                              "0.1", "l0h1", "L0H1 L0H2", "L0HV1", "L99999999999H0"})
      QTest::newRow(qPrintable(QString("'%1'").arg(names))) << QString(names);
  }
  void refusals() {
    QFETCH(QString, names);
    try {
      static_cast<void>(model::headsNamed(names.toStdString(), config()));
      QFAIL("nothing was refused");
    } catch (const model::Error& error) {
      QVERIFY2(
          QString(error.what()).contains("expected L0H0 to L2H7 or, with all that read it, L0KV0 to L2KV1"),
          error.what());
    }
  }

  void lanesWithoutHeadsSaySo() {
    QCOMPARE(model::nameWithout("MHA", {}), std::string("MHA"));
    QCOMPARE(model::nameWithout("MHA", std::vector<model::HeadPlace>{{4, 2}}), std::string("MHA \u2212L4H2"));
    QCOMPARE(model::nameWithout("MHA", std::vector<model::HeadPlace>{{0, 1}, {4, 2}}),
             std::string("MHA \u2212L0H1 \u2212L4H2"));
    QCOMPARE(model::nameWithout("MHA", std::vector<model::HeadPlace>(3)), std::string("MHA \u22123 heads"));
  }
};

QTEST_APPLESS_MAIN(TestHeadNames)
#include "tst_head_names.moc"
