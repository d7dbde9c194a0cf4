#include <QAction>
#include <QCheckBox>
#include <QDropEvent>
#include <QLineEdit>
#include <QMimeData>
#include <QSlider>
#include <QToolButton>
#include <QUrl>

#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;
using test::countPixels;
using test::difference;
using test::kLeftLane;
using test::kRightLane;

namespace {

struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) { settings.setPrompt("It is a truth"); }

  /// Two lanes, paused after some tokens.
  bool startPaused() {
    settings.setPace({0.0});
    start();
    if (!drawn()) return false;
    // The fake lanes end at their context limit.
    return QTest::qWaitFor([this] { return application->session().state().finished && length(1) == 64; },
                           10000);
  }
  QPoint timelineAt(double share) {
    const double left = 8 + 10 + 150;
    const double right = live().width() - 18;
    return {static_cast<int>(left + share * (right - left)), live().height() - 28};
  }
  /// Moves the mouse down a column until `found`.
  template <typename Found>
  std::optional<QPoint> search(int x, int fromY, int toY, Found found) {
    for (int y = fromY; y < toY; y += 7) {
      moveMouse({x, y});
      if (found()) return QPoint(x, y);
    }
    return std::nullopt;
  }
};

const session::Palette& dark() {
  return session::paletteOf(session::Theme::Dark);
}

}  // namespace

class TestLivePage : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void firstStartShowsTextAndMaps() {
    Page page;
    page.start();
    QTRY_VERIFY_WITH_TIMEOUT(page.length(1) > 25, 5000);
    QVERIFY(page.drawn());
    QCOMPARE(page.store().laneCount(), 2);
    QCOMPARE(page.store().lane(0).info().title, std::string("MHA"));
    QCOMPARE(page.store().lane(1).info().title, std::string("MQA"));
    QCOMPARE(page.store().feed(), session::TokenFeed::Lockstep);
    QVERIFY(page.application->session().state().playing);
    QVERIFY(!page.window().messages().isVisible());
    const QImage image = page.picture();
    QVERIFY(!image.isNull());
    // Maps: bright and dark ends of the colour map in both lanes; text in the text colour above them.
    for (const QRectF& lane : {kLeftLane, kRightLane}) {
      QVERIFY(countPixels(image, session::colorOf(session::ColorMap::Viridis, 0.93), lane, 24) > 100);
      QVERIFY(countPixels(image, dark().text, {lane.x(), 0.04, 0.5, 0.2}) > 100);
    }
    // The same cache at the same scale: one eighth of the area.
    const QRectF caches{0.0, 0.72, 0.5, 0.2};
    const int first = countPixels(image, session::mix(dark().mapGround, dark().lanes[0], 0.85), caches, 12);
    const int second = countPixels(image, session::mix(dark().mapGround, dark().lanes[1], 0.85),
                                   {0.5, caches.y(), 0.5, caches.height()}, 12);
    QVERIFY2(first > 5 * second, qPrintable(QString("%1 and %2 pixels").arg(first).arg(second)));
  }

  void playPauseAndStep() {
    Page page;
    page.start();
    QTRY_VERIFY(page.length(1) > 15);
    page.click("play");
    QTRY_VERIFY(!page.application->session().state().playing);
    QVERIFY(page.drawn());
    const int before = page.length(0);
    const QImage image = page.picture();
    page.click("step");
    QTRY_COMPARE(page.length(0), before + 1);
    QCOMPARE(page.length(1), before + 1);
    QVERIFY(difference(image, page.picture()) > 0.0005);
    QTest::keyClick(&page.window(), Qt::Key_Period);
    QTRY_COMPARE(page.length(0), before + 2);
    page.click("restart");
    QTRY_COMPARE(page.length(0), 13);
    // Also from the live view, which is a window of its own.
    QTest::keyClick(&page.live(), Qt::Key_Space);
    QTRY_VERIFY(page.application->session().state().playing);
  }

  /// Of 8 positions a trace holds the rows of two: the others are ground, not the colour of 0.
  void whatATraceDoesNotHoldIsNoZero() {
    constexpr session::Color kZero{68, 1, 84};  // where viridis begins
    constexpr session::Color kRecorded{203, 225, 41};
    const auto picture = [](std::optional<model::RecordedPart> recorded) {
      auto factory = std::make_unique<test::FakeLaneOpener>();
      factory->recorded = std::move(recorded);
      test::GuiFixture page(std::move(factory));
      page.settings.setPace({0.0});
      page.start({"trace"});
      const bool isThere = page.drawn() && QTest::qWaitFor([&] { return page.length(0) == 8; }, 10000);
      return isThere ? page.picture() : QImage();
    };
    const QImage whole = picture(std::nullopt);
    const QImage part = picture(model::RecordedPart{.layers = {0}, .firstRow = 4, .rowCount = 2});
    const int all = countPixels(whole, kRecorded);
    const int some = countPixels(part, kRecorded);
    QVERIFY(all > 10000);
    // 5 + 6 of 1 + 2 + ... + 8 cells.
    QVERIFY2(std::abs(some - all * 11 / 36) < all / 50, qPrintable(QString("%1 of %2").arg(some).arg(all)));
    // Above the legend, whose scale begins with it.
    QVERIFY(countPixels(part, kZero, {0.0, 0.0, 1.0, 0.93}) < 10);
  }

  void timelineLooksBack() {
    Page page;
    QVERIFY(page.startPaused());
    const QImage newest = page.picture();
    QTest::mousePress(&page.live(), Qt::LeftButton, {}, page.timelineAt(0.7));
    page.settle();
    page.moveMouse(page.timelineAt(0.4));
    QTest::mouseRelease(&page.live(), Qt::LeftButton, {}, page.timelineAt(0.4));
    page.settle();
    QVERIFY(page.selection().position().has_value());
    const int position = *page.selection().position();
    QVERIFY2(std::abs(position - 26) <= 2, qPrintable(QString::number(position)));
    QVERIFY(difference(newest, page.picture()) > 0.005);
    QTest::keyClick(&page.window(), Qt::Key_Left);
    QCOMPARE(*page.selection().position(), position - 1);
    QTest::keyClick(&page.window(), Qt::Key_Home);
    QCOMPARE(*page.selection().position(), 0);
    QTest::keyClick(&page.window(), Qt::Key_End);
    QVERIFY(!page.selection().position());
  }

  void hoveringATokenShowsWhomItLooksAt() {
    Page page;
    QVERIFY(page.startPaused());
    const QImage before = page.picture();
    const auto at = page.search(60, 30, page.live().height() / 2,
                                [&] { return page.selection().hoveredToken().has_value(); });
    QVERIFY(at);
    QCOMPARE(page.selection().hoveredToken()->lane, 0);
    QVERIFY(difference(before, page.picture()) > 0.002);
    QTest::mouseClick(&page.live(), Qt::LeftButton, {}, *at);
    page.settle();
    QVERIFY(page.selection().position().has_value());
    page.moveMouse({page.live().width() - 5, 5});
    QVERIFY(!page.selection().hoveredToken());
  }

  void headOpensTheInspectorWithZoomAndPan() {
    Page page;
    QVERIFY(page.startPaused());
    for (int y = page.live().height() / 3; y < page.live().height() && !page.selection().head(); y += 12) {
      const QPoint at(page.live().width() / 4, y);
      page.moveMouse(at);
      QTest::mouseClick(&page.live(), Qt::LeftButton, {}, at);
      page.settle();
    }
    QVERIFY(page.selection().head().has_value());
    page.selection().setPosition(std::nullopt);
    const QImage whole = page.picture();
    const QPoint map(static_cast<int>(page.live().width() * 0.68), page.live().height() / 2);
    page.moveMouse(map);
    const QImage hovered = page.picture();
    for (int notch = 0; notch < 4; ++notch) {
      QWheelEvent wheel(map, page.live().mapToGlobal(map), {}, {0, 120}, Qt::NoButton, Qt::NoModifier,
                        Qt::NoScrollPhase, false);
      QApplication::sendEvent(&page.live(), &wheel);
      page.settle();
    }
    const QImage zoomed = page.picture();
    QVERIFY(difference(hovered, zoomed) > 0.01);
    QTest::mousePress(&page.live(), Qt::LeftButton, {}, map);
    page.settle();
    page.moveMouse(map + QPoint(25, 20));
    page.moveMouse(map + QPoint(45, 30));
    QTest::mouseRelease(&page.live(), Qt::LeftButton, {}, map + QPoint(45, 30));
    page.settle();
    QVERIFY(difference(zoomed, page.picture()) > 0.005);
    // Another head by keyboard, then closed.
    const session::HeadAddress head = *page.selection().head();
    QTest::keyClick(&page.window(), Qt::Key_Right, Qt::ControlModifier);
    QVERIFY(page.selection().head()->queryHead == std::min(head.queryHead + 1, 7));
    QTest::keyClick(&page.window(), Qt::Key_Escape);
    if (page.selection().head()) QTest::keyClick(&page.window(), Qt::Key_Escape);
    QVERIFY(!page.selection().head());
    QVERIFY(difference(whole, page.picture()) > 0.05);
  }

  void lockstepAndFreeRun() {
    Page page;
    page.settings.setPace({0.0});
    page.start({"mha", "differs-at-20"});
    QTRY_COMPARE(page.length(1), 64);
    QCOMPARE(page.store().divergence(1), std::optional<int>(20));
    // What was fed there was far from this lane's ten most likely, its own choice the first of them.
    QCOMPARE(page.store().lane(1).fedAt(20).rank, 278);
    QCOMPARE(page.store().lane(1).chosenAt(20).rank, 1);
    QCOMPARE(page.store().lane(0).fedAt(20).rank, 1);
    QVERIFY(!page.store().lane(1).fedAt(3).known());
    QVERIFY(page.drawn());
    QVERIFY(countPixels(page.picture(), dark().mark, kRightLane, 30) > 20);
    QVERIFY(countPixels(page.picture(), dark().mark, kLeftLane, 30) < 20);
    auto* lockstep = page.window().findChild<QCheckBox*>("lockstep");
    QVERIFY(lockstep->isChecked());
    lockstep->click();
    QTRY_COMPARE(page.store().feed(), session::TokenFeed::FreeRun);
    QTest::keyClick(&page.window(), Qt::Key_Space);
    QTRY_VERIFY(page.length(1) == 64 &&
                page.store().lane(1).tokens()[20] != page.store().lane(0).tokens()[20]);
  }

  void anUnreadableFileIsASentence() {
    Page page;
    QVERIFY(page.startPaused());
    page.window().workspace().openFiles({"/tmp/missing.gguf"});
    QTRY_VERIFY(page.window().messages().sentence().contains("missing.gguf: no such file"));
    QVERIFY(page.window().messages().isVisible());
    QCOMPARE(page.store().laneCount(), 2);
    QCOMPARE(page.length(0), 64);
    QTest::keyClick(&page.window(), Qt::Key_Escape);
    QVERIFY(!page.window().messages().isVisible());

    QMimeData files;
    files.setUrls({QUrl::fromLocalFile("/tmp/missing-too.gguf")});
    QDragEnterEvent enter(QPoint(100, 100), Qt::CopyAction, &files, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&page.live(), &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent drop(QPointF(100, 100), Qt::CopyAction, &files, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&page.live(), &drop);
    QTRY_VERIFY(page.window().messages().sentence().contains("missing-too.gguf"));
    QVERIFY(page.settings.recentFiles().empty());  // one cannot go back to what is not there
  }

  void lanesCloseAndComeBack() {
    Page page;
    page.start();
    QTRY_COMPARE(page.store().laneCount(), 2);
    page.window().workspace().addLane("gqa");
    QTRY_COMPARE(page.store().laneCount(), 3);
    QVERIFY(page.window().findChild<QToolButton*>("addLane")->isEnabled());
    page.window().workspace().addLane("long");
    QTRY_COMPARE(page.store().laneCount(), 4);
    QVERIFY(!page.window().findChild<QToolButton*>("addLane")->isEnabled());
    page.window().workspace().closeLane(3);
    QTRY_COMPARE(page.store().laneCount(), 3);
    const int gqaColor = page.store().lane(2).info().request.colorIndex;
    page.window().workspace().closeLane(0);
    QTRY_COMPARE(page.store().laneCount(), 2);
    QCOMPARE(page.store().lane(1).info().request.colorIndex, gqaColor);
    QTest::keyClick(&page.window(), Qt::Key_Z, Qt::ControlModifier);
    QTRY_COMPARE(page.store().laneCount(), 3);
    QCOMPARE(page.store().lane(0).info().title, std::string("MHA"));
  }

  void promptAndSpeed() {
    Page page;
    QVERIFY(page.startPaused());
    auto* prompt = page.window().findChild<QLineEdit*>("prompt");
    QTest::keyClick(&page.window(), Qt::Key_L, Qt::ControlModifier);
    QTRY_VERIFY(prompt->hasFocus());
    QTest::keyClicks(prompt, "Once upon");
    QTest::keyClick(prompt, Qt::Key_Return);
    QTRY_COMPARE(page.store().lane(0).promptLength(), 9);
    QCOMPARE(page.store().lane(0).tokens()[0], static_cast<int>('O'));
    auto* speed = page.window().findChild<QSlider*>("speed");
    QCOMPARE(speed->value(), speed->maximum());
    speed->setFocus();
    QTest::keyClick(&page.window(), Qt::Key_Minus);
    QTRY_VERIFY(!page.application->session().state().pace.unlimited());
  }

  void drawsOnlyWhenSomethingChanges() {
    Page page;
    page.start({"long", "long"});
    QTRY_VERIFY(page.length(1) > 15);
    QVERIFY(page.drawn());
    std::uint64_t before = page.live().frameCount();
    QTest::qWait(2000);
    const int paced = static_cast<int>(page.live().frameCount() - before);
    // 30 per second on an idle machine; the validation layers and a busy one take their part.
    QVERIFY2(paced >= 36, qPrintable(QString("%1 frames in 2 s").arg(paced)));
    page.click("play");
    QTRY_VERIFY(!page.application->session().state().playing);
    // On a busy machine what was asked for before comes late; then nothing more does.
    const auto stands = [&] {
      before = page.live().frameCount();
      QTest::qWait(800);
      return page.live().frameCount() == before;
    };
    QVERIFY(stands() || stands() || stands());
  }

  void themesAndPresentation() {
    Page page;
    QVERIFY(page.startPaused());
    QVERIFY(countPixels(page.picture(), dark().panel) > 10000);
    QTest::keyClick(&page.window(), Qt::Key_T, Qt::ControlModifier);
    page.settle();
    const session::Palette& light = session::paletteOf(session::Theme::Light);
    const QImage image = page.picture();
    QVERIFY(countPixels(image, light.panel) > 10000);
    QCOMPARE(page.window().palette().color(QPalette::Window).red(), static_cast<int>(light.window.red));
    QTest::keyClick(&page.window(), Qt::Key_F11);
    page.settle();
    QVERIFY(difference(image, page.picture()) > 0.05);
    QVERIFY(page.settings.appearance().presentation());
  }

  void resizesMinimisesAndRestores() {
    Page page;
    page.start({"long", "long"});
    QVERIFY(page.drawn());
    for (const QSize size : {QSize(1000, 600), QSize(1280, 700), QSize(1400, 860), QSize(1280, 700)}) {
      page.window().resize(size);
      QTest::qWait(120);
      const QImage image = page.picture();
      QVERIFY(!image.isNull());
      QCOMPARE(image.width(), static_cast<int>(page.live().width() * page.live().devicePixelRatio()));
    }
    page.window().showMinimized();
    QTest::qWait(200);
    page.window().showNormal();
    QTest::qWait(200);
    QVERIFY(!page.picture().isNull());
    page.window().hide();
    QTest::qWait(100);
    page.window().show();
    QVERIFY(QTest::qWaitForWindowExposed(&page.window()));
    QVERIFY(countPixels(page.picture(), dark().panel) > 10000);
  }

  void switchesModelsFiftyTimes() {
    Page page;
    page.settings.setPace({0.0});
    page.start();
    QVERIFY(page.drawn());
    const std::vector<std::string> names{"mha", "gqa", "mqa", "long"};
    for (int round = 0; round < 50; ++round) {
      const std::string& name = names[static_cast<std::size_t>(round) % names.size()];
      page.application->session().setLanes(
          {{name, 0}, {names[static_cast<std::size_t>(round / 4) % names.size()], 1}});
      page.application->session().play();
      QTRY_VERIFY(page.store().laneCount() == 2 && page.store().lane(0).info().request.source == name &&
                  page.length(1) > 13);
      if (round % 10 == 0) page.selection().setHead(session::HeadAddress{1, 1, 3});
    }
    QVERIFY(!page.picture().isNull());
  }

  void closesWhileDecoding() {
    for (const char* lane : {"long", "slow"}) {
      Page page;
      page.settings.setPace({0.0});
      page.start({lane, "mqa"});
      QTRY_VERIFY(page.length(0) >= 13);
      page.window().close();
    }
  }

  void rememberedBetweenStarts() {
    QTemporaryDir folder;
    const QString file = folder.filePath("kept.ini");
    {
      session::Settings settings(file);
      Application application(std::make_unique<test::FakeLaneOpener>(), settings);
      application.start({"gqa"});
      QTRY_COMPARE(application.store().laneCount(), 1);
      application.selection().setColorMap(session::ColorMap::Magma);
      application.window().resize(1100, 700);
      QTest::qWait(50);
      application.window().close();
    }
    session::Settings settings(file);
    Application application(std::make_unique<test::FakeLaneOpener>(), settings);
    application.start({});
    QTRY_COMPARE(application.store().laneCount(), 1);
    QCOMPARE(application.store().lane(0).info().title, std::string("GQA"));
    QCOMPARE(application.selection().colorMap(), session::ColorMap::Magma);
    QCOMPARE(application.window().size(), QSize(1100, 700));
  }
};

HEADROOM_GUI_TEST_MAIN(TestLivePage)
#include "tst_live_page.moc"
