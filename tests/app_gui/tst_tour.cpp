#include <QLabel>
#include <QPushButton>
#include <QToolButton>

#include "app/pages/help/tour.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;

namespace {

struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) { settings.setPrompt("It is a truth"); }

  /// "long" has a context of 2,048, as its copy with one KV head would.
  void startAt(double tokensPerSecond) {
    settings.setPace({tokensPerSecond});
    start({"long", "mqa"});
  }
  /// Decodes a few tokens and calls the tour by its keys.
  bool begin() {
    startAt(20.0);
    if (!QTest::qWaitFor([this] { return length(0) > 15; })) return false;
    QTest::keyClick(&window(), Qt::Key_F1, Qt::ShiftModifier);
    return QTest::qWaitFor([this] { return tour().isVisible(); });
  }
  pages::Tour& tour() { return *window().findChild<pages::Tour*>("tour"); }
  bool playing() { return application->session().state().playing; }
  QPoint nextAt() {
    const auto* button = tour().findChild<QPushButton*>("tourNext");
    return button->mapToGlobal(button->rect().center());
  }
  void next() { QTest::mouseClick(tour().findChild<QPushButton*>("tourNext"), Qt::LeftButton); }
  void back() { QTest::mouseClick(tour().findChild<QPushButton*>("tourBack"), Qt::LeftButton); }
  bool offer() { return window().messages().sentence().contains("A tour of seven steps"); }
  void sendAway() { QTest::mouseClick(window().messages().findChild<QToolButton*>(), Qt::LeftButton); }
  /// Whether the tour stands in front of a part of the window.
  bool covers(const char* name) {
    const auto* part = window().findChild<QWidget*>(name);
    return !part || !part->isVisible() ||
           tour().frameGeometry().intersects(QRect(part->mapToGlobal(QPoint()), part->size()));
  }
  QString text() { return tour().findChild<QLabel*>("tourText")->text(); }
};

}  // namespace

/// The tour drives the real window, leaves when one wants, and is offered once.
class TestTour : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void everyStepDoesWhatItSays() {
    Page page;
    page.startAt(20.0);
    QTRY_VERIFY(page.playing() && page.length(1) > 15);
    QTest::keyClick(&page.window(), Qt::Key_F1, Qt::ShiftModifier);
    QTRY_VERIFY(page.tour().isVisible());
    QCOMPARE(page.tour().stepCount(), 7);
    // A token.
    QTRY_VERIFY(!page.playing());
    QTest::qWait(300);
    const int before = page.length(0);
    // Next stays under the pointer, once the dialog has its frame.
    QTest::qWait(500);
    const QSize size = page.tour().size();
    const QPoint nextAt = page.nextAt();
    // Its keys and values: 2 x 3 layers x heads x 16 x 4 bytes.
    page.next();
    QTRY_COMPARE(page.length(0), before + 1);
    QVERIFY2(page.text().contains("3,072 bytes per token") && page.text().contains("384 bytes per token"),
             qPrintable(page.text()));
    QCOMPARE(page.tour().size(), size);
    QCOMPARE(page.nextAt(), nextAt);
    // The cache grows.
    page.next();
    QTRY_VERIFY(page.playing());
    QTRY_VERIFY(page.length(0) > before + 4);
    // Heads share.
    page.next();
    QTRY_VERIFY(page.selection().pointedKvHead().has_value());
    QCOMPARE(page.selection().pointedKvHead()->lane, 1);
    QVERIFY2(page.text().contains("Query heads 0 to 7 share"), qPrintable(page.text()));
    // Bytes and time.
    page.next();
    QVERIFY(!page.selection().pointedKvHead().has_value());
    QTRY_VERIFY(!page.covers("charts"));
    page.next();
    QCOMPARE(page.tour().step(), 5);
    QTRY_VERIFY(!page.covers("verdict"));
    // A longer context, and back from it with the step before.
    page.next();
    QTRY_COMPARE_WITH_TIMEOUT(page.application->session().state().fill, 1024, 10000);
    page.back();
    QTRY_COMPARE_WITH_TIMEOUT(page.application->session().state().fill, 0, 10000);
    page.next();
    page.next();
    QVERIFY(!page.tour().isVisible());
  }

  /// The step that tells of the chart shows it, and leaves the room to the maps again.
  void theChartIsSeenInALowWindow() {
    Page page;
    page.startAt(20.0);
    page.window().resize(1024, 640);
    const auto* charts = page.window().findChild<QWidget*>("charts");
    QTRY_VERIFY(page.length(0) > 15 && !charts->isVisible());
    QTest::keyClick(&page.window(), Qt::Key_F1, Qt::ShiftModifier);
    QTRY_VERIFY(page.tour().isVisible());
    for (int step = 0; step < 4; ++step) page.next();
    QTRY_VERIFY2(charts->isVisible() && page.text().contains("the chart below"), qPrintable(page.text()));
    page.next();
    QTRY_VERIFY(!charts->isVisible());
  }

  /// It tells of no counters that a presentation leaves out.
  void aPresentationIsToldOfWhatItShows() {
    Page page;
    page.settings.setAppearance({.typeSize = session::TypeSize::Presentation});
    QVERIFY(page.begin());
    for (int step = 0; step < 4; ++step) page.next();
    QVERIFY2(page.text().contains("shows the cache growing"), qPrintable(page.text()));
    QVERIFY2(!page.text().contains("; the chart below shows them"), qPrintable(page.text()));
    QTRY_VERIFY(page.window().findChild<QWidget*>("charts")->isVisible());
  }

  /// What was decoded since a tour is not thrown away by the next one.
  void aSecondTourTakesNobodyBack() {
    Page page;
    QVERIFY(page.begin());
    for (int step = 0; step < 6; ++step) page.next();
    QTRY_COMPARE_WITH_TIMEOUT(page.application->session().state().fill, 1024, 10000);
    page.next();
    QVERIFY(!page.tour().isVisible());
    QVERIFY(!page.window().workspace().wayBack().empty());
    QTRY_VERIFY_WITH_TIMEOUT(page.length(0) > 1024, 10000);
    QTest::keyClick(&page.window(), Qt::Key_F1, Qt::ShiftModifier);
    QTRY_VERIFY(page.tour().isVisible());
    QTest::qWait(300);
    QCOMPARE(page.application->session().state().fill, 1024);
    QVERIFY(page.length(0) > 1024);
  }

  /// A tour that decodes on takes away the note that nothing can be.
  void noNoteStaysThatNoLongerHolds() {
    Page page;
    page.settings.setPace({0.0});
    page.start({"mha", "mqa"});
    QTRY_VERIFY(page.window().messages().sentence().contains("have reached the context limit"));
    page.window().workspace().setPace({20.0});
    QTest::keyClick(&page.window(), Qt::Key_F1, Qt::ShiftModifier);
    QTRY_VERIFY(page.tour().isVisible());
    page.next();
    page.next();
    QTRY_VERIFY(!page.window().messages().sentence().contains("context limit"));
    QTRY_VERIFY(page.length(0) < 64);
  }

  void oneCanLeaveAtAnyStep() {
    Page page;
    QVERIFY(page.begin());
    for (int step = 0; step < 3; ++step) page.next();
    QVERIFY(page.selection().pointedKvHead().has_value());
    QTest::mouseClick(page.tour().findChild<QPushButton*>("tourLeave"), Qt::LeftButton);
    QVERIFY(!page.tour().isVisible());
    QVERIFY(!page.selection().pointedKvHead().has_value());
  }

  void itIsOfferedOnce() {
    Page page;
    page.startAt(20.0);
    page.window().offerTour();
    QTRY_VERIFY(page.offer());
    QVERIFY(!page.tour().isVisible());
    auto* take = page.window().messages().findChild<QPushButton*>();
    QVERIFY(take && take->isVisible());
    QTest::mouseClick(take, Qt::LeftButton);
    QTRY_VERIFY(page.tour().isVisible());
    QVERIFY(!page.window().messages().sentence().contains("tour"));
    QVERIFY(page.settings.tourOffered());
  }

  /// Nothing changes any more that could bring the offer.
  void itIsOfferedBehindTheText() {
    Page page;
    page.settings.setPace({0.0});
    page.start({"mha", "mqa"});
    QTRY_VERIFY(page.application->session().state().finished && page.length(1) == 64);
    page.window().messages().dismiss();
    QTest::qWait(700);
    page.window().offerTour();
    QVERIFY(page.offer());
  }

  /// A note that comes with the last tokens, or stood there before, neither hides nor loses the offer.
  void anotherNoteIsReadFirst() {
    Page page;
    page.startAt(20.0);
    page.window().showMessage({session::Severity::Note, "Something else."});
    page.window().offerTour();
    QTRY_VERIFY(page.length(0) > 45);
    QCOMPARE(page.window().messages().note(), "Something else.");
    page.sendAway();
    QTRY_VERIFY(page.offer());
    page.window().showMessage({session::Severity::Note, "Another thing."});
    QVERIFY(!page.offer());
    page.sendAway();
    QTRY_VERIFY(page.offer());
    page.sendAway();
    QTest::qWait(300);
    QVERIFY(!page.offer());
  }
};

HEADROOM_GUI_TEST_MAIN(TestTour)
#include "tst_tour.moc"
