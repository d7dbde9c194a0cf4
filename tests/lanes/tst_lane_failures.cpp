#include <QTest>

#include "tests/lanes/lane_fixture.h"

using namespace headroom;
using lanes::Apart;
using lanes::LaneSet;
using lanes::StopReason;
using test::Lanes;
using test::sampled;

/// What failed is tried again from where it did.
class TstLaneFailures : public QObject {
  Q_OBJECT

 private slots:
  /// Beside one that went on: it reads what it missed and makes the choices of a run that never failed. Fails
  /// where it would begin anew, skip what it missed, or lose the dice.
  void whoFailedGoesOnFromThere() {
    Lanes failed(sampled());
    Lanes undisturbed(sampled());
    failed.arrange({{-1, "fails-once-at-20"}, {-1, "mha"}});
    undisturbed.arrange({{-1, "mha"}, {-1, "mha"}});
    failed.decode(25);
    QVERIFY(failed.set.lane(0).stopReason == StopReason::Failed);
    QCOMPARE(failed.set.lane(0).fed(), 20);
    QCOMPARE(static_cast<int>(std::ssize(failed.text(0))), 20);
    QCOMPARE(failed.set.lane(1).fed(), 30);
    const int fedBefore = failed.runTokens(0);
    failed.set.tryAgain(failed.prompts());
    QVERIFY(!failed.set.lane(0).stopReason && !failed.set.lane(0).error);
    failed.fill();
    QCOMPARE(failed.runTokens(0) - fedBefore, 10);
    QVERIFY(failed.set.apart(0) == Apart::No);
    failed.decode(10);
    undisturbed.decode(35);
    for (int lane = 0; lane < 2; ++lane) QCOMPARE(failed.text(lane), undisturbed.text(lane));
  }

  void whoFailedAloneGoesOnFromThere() {
    Lanes failed(sampled());
    Lanes undisturbed(sampled());
    failed.arrange({{-1, "fails-once-at-20"}});
    undisturbed.arrange({{-1, "mha"}});
    while (!failed.set.finished()) failed.set.step();
    failed.set.tryAgain(failed.prompts());
    QVERIFY(!failed.set.filling());
    failed.decode(10);
    undisturbed.decode(25);
    QCOMPARE(failed.text(0), undisturbed.text(0));
  }

  /// A block of a text of which some positions were fed when it failed: there are no records of them, so they
  /// count as not fed, and the text is whole when it is tried again.
  void aBlockThatFailedHalfwayIsFedAgain() {
    Lanes lanes;
    std::vector<LaneSet::Place> places(1);
    places.front().engine = lanes.open("tears-at-20");
    const std::vector<int> prompt(100, 7);
    lanes.set.arrange(std::move(places), [&](int) { return prompt; });
    lanes.fill();
    QVERIFY(lanes.set.lane(0).stopReason == StopReason::Failed);
    QCOMPARE(lanes.set.lane(0).fed(), 0);
    lanes.set.tryAgain([&](int) { return prompt; });
    lanes.fill();
    QCOMPARE(lanes.text(0), prompt);
    QCOMPARE(lanes.runTokens(0), 100);
    QCOMPARE(lanes.set.lane(0).promptLength, 100);
  }
};

QTEST_GUILESS_MAIN(TstLaneFailures)
#include "tst_lane_failures.moc"
