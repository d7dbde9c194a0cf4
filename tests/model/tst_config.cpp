#include <QTest>

#include "core/model/common_fill.h"
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

  /// Of several lanes the shortest context says how far all are filled, wherever it stands; 128 positions
  /// stay free behind it, of a short one half.
  void whereOneGoesAllGo() {
    model::ModelConfig learned;
    learned.contextLength = 1024;
    learned.traits.positions = model::Positions::Learned;
    const model::ModelConfig rope;
    const std::vector<model::ModelConfig> none;
    QCOMPARE(model::commonFill(none, model::mostFill), 65536 - 128);
    for (const auto& models : {std::vector{learned, rope}, std::vector{rope, learned, rope}})
      QCOMPARE(model::commonFill(models, model::mostFill), 1024 - 128);
    QCOMPARE(model::commonFill(std::vector{70000, 90000}, model::mostFilled), 70000 - 128);
    QCOMPARE(model::commonFill(std::vector{4096, 100}, model::mostFilled), 50);
  }
};

QTEST_GUILESS_MAIN(TestConfig)
#include "tst_config.moc"
