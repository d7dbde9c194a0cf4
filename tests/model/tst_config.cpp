#include <QtTest>

#include "core/model/decoder.h"
#include "core/model/error.h"

using namespace headroom;

/// How long a context is.
class TestConfig : public QObject {
  Q_OBJECT

 private slots:
  void contexts() {
    model::ModelConfig config;
    config.contextLength = 512;
    QCOMPARE(model::chosenContext(config, 0), 512);
    QCOMPARE(model::chosenContext(config, 100), 100);
    QCOMPARE(model::chosenContext(config, 4096), 4096);
    for (const int chosen : {0, 100, 4096}) {
      QCOMPARE(model::contextOf(config, {.contextLength = chosen}), model::chosenContext(config, chosen));
    }
    // Learned positions end where they end.
    config.traits.positions = model::Positions::Learned;
    QCOMPARE(model::contextOf(config, {.contextLength = 512}), 512);
    QVERIFY_THROWS_EXCEPTION(model::Error, model::contextOf(config, {.contextLength = 513}));
  }
};

QTEST_GUILESS_MAIN(TestConfig)
#include "tst_config.moc"
