#include <QSignalSpy>
#include <QTest>

#include "app/session/session_host.h"
#include "app/session/trace_store.h"
#include "tests/app_session/session_fixture.h"

using namespace headroom;
using test::kPromptLength;
using Fixture = test::SessionFixture;

/// What the session measures of a device by itself: its ceilings, and which kernels suit it.
class TestSessionMeasuring : public QObject {
  Q_OBJECT

 private slots:
  void keptCeilingsComeWithTheFirstLanes() {
    Fixture fixture;
    QTest::qWait(50);
    QVERIFY(!fixture.store.ceilings().known());
    QSignalSpy changed(&fixture.store, &session::TraceStore::changed);
    fixture.open({"mha"});
    QTRY_VERIFY(fixture.store.ceilings().known());
    QCOMPARE(fixture.store.ceilings().date, std::string("2026-01-01 10:00"));
    QVERIFY(!changed.isEmpty());
    QVERIFY(fixture.messages.isEmpty());
    // Measured anew on request, and that is said because decoding pauses.
    fixture.host.measureCeilings();
    QTRY_COMPARE(fixture.store.ceilings().date, std::string("2026-02-02 11:00"));
    QVERIFY(fixture.textHas("Measuring what this device reaches"));
    QCOMPARE(fixture.store.length(), kPromptLength);
  }

  void unknownCeilingsAreMeasuredAfterTheFirstText() {
    auto factory = std::make_unique<test::FakeLaneOpener>();
    factory->keepsCeilings = false;
    Fixture fixture(std::move(factory));
    fixture.host.setPace({50.0});
    fixture.open({"long"});
    fixture.host.play();
    QTRY_VERIFY(fixture.store.length() > kPromptLength + 5);
    QVERIFY(!fixture.store.ceilings().known());
    QTRY_COMPARE(fixture.store.ceilings().date, std::string("2026-02-02 11:00"));
    const int length = fixture.store.length();
    QTRY_VERIFY(fixture.store.length() > length);  // and decoding goes on
  }

  /// Once for each model, a little after the text is there, and decoding goes on behind each.
  void kernelsAreMeasuredOncePerModel() {
    auto factory = std::make_unique<test::FakeLaneOpener>();
    factory->calibrates = true;
    const test::FakeLaneOpener& fake = *factory;
    Fixture fixture(std::move(factory));
    fixture.host.setPace({50.0});
    fixture.open({"long", "mqa", "long"});
    fixture.host.play();
    QTRY_VERIFY(fixture.store.length() > kPromptLength + 5);
    QCOMPARE(fake.calibrations.load(), 0);
    QTRY_VERIFY_WITH_TIMEOUT(fixture.textHas("fastest for MQA"), 10000);
    QVERIFY(fixture.textHas("fastest for long"));
    QCOMPARE(fake.calibrations.load(), 2);
    const int length = fixture.store.length();
    QTRY_VERIFY(fixture.store.length() > length);
    QTest::qWait(2500);
    QCOMPARE(fake.calibrations.load(), 2);
  }

  /// Nobody waits for it: it ends for a request, and comes again later.
  void aRequestEndsMeasuringOfKernels() {
    auto factory = std::make_unique<test::FakeLaneOpener>();
    factory->calibrates = true;
    factory->calibrationWaits = true;
    const test::FakeLaneOpener& fake = *factory;
    Fixture fixture(std::move(factory));
    fixture.open({"mha"});
    QTRY_COMPARE_WITH_TIMEOUT(fake.calibrations.load(), 1, 10000);
    fixture.host.stepOne();
    QTRY_COMPARE(fixture.store.length(), kPromptLength + 1);
    QTRY_COMPARE_WITH_TIMEOUT(fake.calibrations.load(), 2, 10000);
  }
};

QTEST_GUILESS_MAIN(TestSessionMeasuring)
#include "tst_session_measuring.moc"
