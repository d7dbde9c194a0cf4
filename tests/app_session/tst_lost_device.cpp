#include <QSignalSpy>
#include <QTest>
#include <algorithm>

#include "tests/app_session/session_fixture.h"

using namespace headroom;
using test::kContext;
using test::kPromptLength;
using Fixture = test::SessionFixture;

namespace {

std::unique_ptr<test::FakeLaneOpener> losingAt(int position) {
  auto opener = std::make_unique<test::FakeLaneOpener>();
  opener->losesAt = position;
  return opener;
}

/// One lane that has decoded 20 tokens when its device was lost.
struct LostLane : Fixture {
  LostLane() : Fixture(losingAt(20)) {
    host.setPace({0.0});
    open({"mha"});
    host.play();
  }
  bool isLost() {
    return QTest::qWaitFor([this] { return textHas("The device was lost."); }) && store.laneCount() == 1;
  }
};

}  // namespace

/// What was decoded outlives the device.
class TestLostDevice : public QObject {
  Q_OBJECT

 private slots:
  void aLostDeviceIsOpenedAgainByPlaying_data() {
    QTest::addColumn<bool>("bySteps");
    QTest::newRow("play") << false;
    QTest::newRow("step") << true;
  }
  void aLostDeviceIsOpenedAgainByPlaying() {
    QFETCH(bool, bySteps);
    auto factory = losingAt(20);
    const std::atomic<int>& forgotten = factory->forgotten;
    Fixture fixture(std::move(factory));
    fixture.host.setPace({0.0});
    fixture.open({"mha", "mqa"});
    fixture.host.play();
    QTRY_VERIFY(fixture.textHas("The device was lost. The text so far stays; press play"));
    QTRY_VERIFY(fixture.host.state().finished);
    QVERIFY(!fixture.host.state().playing);
    QCOMPARE(fixture.store.length(), 20);
    QCOMPARE(fixture.messages.size(), 1);  // one for all lanes
    QCOMPARE(forgotten, 0);
    const std::vector<int> decoded(fixture.store.lane(1).tokens().begin(),
                                   fixture.store.lane(1).tokens().end());

    QSignalSpy lanes(&fixture.host, &session::SessionHost::lanesChanged);
    if (bySteps) {
      fixture.host.stepOne();
      QTRY_COMPARE(fixture.length(0), 21);
    } else {
      fixture.host.play();
      QTRY_COMPARE(fixture.length(0), kContext);
      QTRY_COMPARE(fixture.length(1), kContext);
    }
    QCOMPARE(forgotten, 1);
    QCOMPARE(lanes.count(), 1);
    // Nothing that was decoded is lost: it is fed again, and goes on as it would have.
    for (int lane = 0; lane < 2; ++lane) {
      QCOMPARE(fixture.store.lane(lane).promptLength(), kPromptLength);
      QVERIFY(std::ranges::equal(fixture.store.lane(lane).tokens().first(decoded.size()), decoded));
    }
  }

  /// The text waits until there is a device again, and for lanes that are chosen in the meantime.
  void aTextOutlivesFailedOpening() {
    LostLane fixture;
    QVERIFY(fixture.isLost());
    const std::vector<int> decoded(fixture.store.lane(0).tokens().begin(),
                                   fixture.store.lane(0).tokens().end());
    fixture.open({"missing"});
    QTRY_VERIFY(fixture.messages.size() > 1);
    QCOMPARE(fixture.length(0), 20);
    fixture.open({"gqa", "mha"});
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.store.laneCount(), 2);
    QTRY_COMPARE(fixture.length(0), 21);
    for (int lane = 0; lane < 2; ++lane)
      QVERIFY(std::ranges::equal(fixture.store.lane(lane).tokens().first(decoded.size()), decoded));
  }

  void otherLanesAfterALossOpenOnANewDevice() {
    auto factory = losingAt(kPromptLength - 1);  // while the prompt goes in
    const std::atomic<int>& forgotten = factory->forgotten;
    Fixture fixture(std::move(factory));
    fixture.open({"mha", "mqa"});
    QTRY_VERIFY(fixture.textHas("The device was lost."));
    QVERIFY2(fixture.messages.size() == 1, qPrintable(fixture.messages.join('\n')));
    fixture.open({"gqa"});
    QTRY_COMPARE(fixture.store.length(), kPromptLength);
    QCOMPARE(fixture.store.laneCount(), 1);
    QCOMPARE(forgotten, 1);
  }

  /// Heads are not looked at without a device: that is said, and nothing is lost or opened by asking.
  void headsWaitForTheDevice() {
    LostLane fixture;
    QVERIFY(fixture.isLost());
    fixture.host.studyHeads({});
    QTRY_VERIFY(fixture.textHas("play opens them again, then heads can be looked at"));
    QCOMPARE(fixture.length(0), 20);
    fixture.host.play();
    QTRY_COMPARE(fixture.length(0), kContext);
  }

  /// With the device gone, lanes can be closed all the same, to the last.
  void lanesCloseAfterALoss() {
    LostLane fixture;
    QVERIFY(fixture.isLost());
    fixture.open({});
    QTRY_COMPARE(fixture.store.laneCount(), 0);
    fixture.open({"gqa"});
    QTRY_COMPARE(fixture.length(0), kPromptLength);
    QCOMPARE(fixture.store.lane(0).info().title, std::string("GQA"));
  }
};

QTEST_GUILESS_MAIN(TestLostDevice)
#include "tst_lost_device.moc"
