// How the live page divides its room: controls can be reached in every type, maps come before charts, and
// messages do not take what is being read.
#include <QComboBox>
#include <QMenu>
#include <QSpinBox>
#include <QToolButton>

#include "app/pages/charts/growth_chart.h"
#include "app/pages/charts/roofline_chart.h"
#include "app/pages/charts/stage_chart.h"
#include "app/pages/charts/traffic_chart.h"
#include "tests/app_gui/layout_page.h"

using namespace headroom;
using test::find;
using test::inkOn;
using test::paintedText;
using Page = test::LayoutPage;

namespace {

/// Those of Qt's own painter, in charts.
constexpr double kWhole = 0.9;

}  // namespace

class TestLayout : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// What follows the newest token scrolls in one frame, and is seen to have scrolled in the next.
  void aLowerViewIsDrawnToItsEnd() {
    test::LayoutPage page;
    QVERIFY(page.startAt({1440, 900}));
    QTest::qWait(500);  // nothing is drawn any more
    const std::uint64_t before = page.live().frameCount();
    page.window().resize(1440, 700);
    QTRY_VERIFY2_WITH_TIMEOUT(page.live().frameCount() >= before + 3,
                              qPrintable(QString::number(page.live().frameCount() - before)), 1500);
  }

  void everyControlCanBeReached_data() {
    QTest::addColumn<QSize>("size");
    QTest::addColumn<int>("percent");
    QTest::newRow("1440 x 900") << QSize(1440, 900) << 100;
    QTest::newRow("1024 x 640") << QSize(1024, 640) << 100;
    QTest::newRow("large type, 1280 x 720") << QSize(1280, 720) << 200;
    QTest::newRow("large type, 1024 x 640") << QSize(1024, 640) << 200;
    QTest::newRow("large type, least window") << QSize(900, 560) << 200;
  }
  void everyControlCanBeReached() {
    QFETCH(QSize, size);
    QFETCH(int, percent);
    Page page;
    QVERIFY(page.startAt(size, percent));
    QCOMPARE(page.troubleIn("transport"), QString());
    const auto* prompt = page.window().findChild<QWidget*>("prompt");
    QVERIFY(prompt->width() >= QFontMetrics(prompt->font()).horizontalAdvance("Once upon a time"));
    // Where they are folded, a button says so and opens them.
    auto* button = page.window().findChild<QToolButton*>("laneSettings");
    const auto* settings = page.window().findChild<QWidget*>("laneControls");
    QCOMPARE(button->isVisible(), percent == 200 && size.height() < 900);
    QCOMPARE(settings->isVisible(), !button->isVisible());
    if (button->isVisible()) {
      QVERIFY(button->text().contains("Lane settings"));
      page.click("laneSettings");
      QTRY_VERIFY(settings->isVisible());
      QTest::qWait(200);
    }
    QCOMPARE(page.troubleIn("laneControls"), QString());
    QVERIFY(page.live().height() >= 120);
    if (!button->isVisible()) return;
    page.click("laneSettings");
    QTRY_VERIFY(!settings->isVisible());
    // A command that needs them opens them.
    QTest::keyClick(&page.window(), Qt::Key_F, Qt::ControlModifier);
    QTRY_VERIFY(page.window().findChild<QSpinBox*>("fill")->hasFocus());
  }

  /// What has no room is named by a button, which leads there; so do the keys.
  void whatIsOutOfSightIsNamed() {
    Page page;
    QVERIFY(page.startAt({1024, 640}, 200));
    const session::Palette& colors = page.live().appearance().palette();
    const test::Match below = page.wordBelow("Below:", colors.raised);
    QVERIFY2(below.likeness > test::kSame, qPrintable(QString::number(below.likeness)));
    const int lane = page.live().width() / 4;
    QTest::mouseMove(&page.live(), below.place.center());
    page.settle();
    QTest::mouseClick(&page.live(), Qt::LeftButton, {}, below.place.center());
    page.settle();
    page.settle();
    QVERIFY(page.searchDown(lane, 100, [&] { return page.isOnBracket(0); }) > 0);
    page.moveMouse({2, 2});
    for (int times = 0; times < 6; ++times) {
      QTest::keyClick(&page.window(), Qt::Key_PageDown);
      page.settle();
    }
    QVERIFY(page.searchDown(60, 100, [&] { return page.isOnCache(); }) > 0);
    page.moveMouse({2, 2});
    QVERIFY(page.wordBelow("Above:", colors.raised).likeness > test::kSame);
    for (int times = 0; times < 6; ++times) {
      QTest::keyClick(&page.window(), Qt::Key_PageUp);
      page.settle();
    }
    QVERIFY(page.searchDown(60, 100, [&] { return page.selection().hoveredToken().has_value(); }) > 0);
  }

  void chartsComeBackByAButton_data() {
    QTest::addColumn<QSize>("size");
    QTest::newRow("1280 x 720") << QSize(1280, 720);
    QTest::newRow("1024 x 640") << QSize(1024, 640);
    QTest::newRow("900 x 560") << QSize(900, 560);
  }
  void chartsComeBackByAButton() {
    QFETCH(QSize, size);
    Page page;
    QVERIFY(page.startAt(size, 200));
    const auto* chart = page.window().findChild<pages::RooflineChart*>();
    QVERIFY(!chart->isVisible());
    auto* all = page.window().findChild<QToolButton*>("allViews");
    auto* own = page.window().findChild<QToolButton*>("viewRoofline");
    QVERIFY(all->isVisible() != own->isVisible());
    QVERIFY(page.isInSight(all->isVisible() ? all : own));
    for (const char* name : {"why", "measure"})
      QVERIFY2(page.isInSight(page.window().findChild<QWidget*>(name)), name);
    if (own->isVisible()) {
      QTest::mouseClick(own, Qt::LeftButton);
    } else {
      auto* menu = page.window().findChild<QMenu*>("allViewsMenu");
      QTimer::singleShot(300, menu, [menu] {
        QTest::mouseClick(menu, Qt::LeftButton, {}, menu->actionGeometry(menu->actions()[2]).center());
      });
      QTest::mouseClick(all, Qt::LeftButton);
    }
    QTRY_VERIFY(chart->isVisible());
  }

  void mapsComeBeforeCharts_data() {
    QTest::addColumn<Qt::Key>("view");
    QTest::newRow("charts") << Qt::Key_1;
    QTest::newRow("speed") << Qt::Key_2;
    QTest::newRow("roofline") << Qt::Key_3;
    QTest::newRow("weights") << Qt::Key_4;
  }
  /// All heads of a layer in each of three lanes, in maps that can be read.
  void mapsComeBeforeCharts() {
    QFETCH(Qt::Key, view);
    Page page;
    QVERIFY(page.startAt({1440, 900}, 100, 3));
    // As high as a large window makes it, which then becomes a low one.
    QTest::keyClick(&page.window(), view, Qt::ControlModifier);
    page.window().resize(1280, 720);
    QTRY_COMPARE(page.window().size(), QSize(1280, 720));
    QTest::qWait(200);
    const int before = page.live().height();
    QTest::keyClick(&page.window(), view, Qt::ControlModifier);
    QTRY_VERIFY(page.live().height() < before);
    QTest::qWait(200);
    page.settle();
    const int x = page.live().width() / 3 * 2 / 3;
    const int bracket = page.searchDown(x, 60, [&] { return page.isOnBracket(0); });
    QVERIFY(bracket > 0);
    const int maps = page.searchDown(
        x, bracket, [&] { return !page.isOnBracket(0); }, 1);
    QVERIFY(maps > 0);
    page.moveMouse({2, 2});
    for (int lane = 0; lane < 3; ++lane) {
      const std::vector<int> heights = page.mapHeights(lane, 3, maps + 2);
      QCOMPARE(heights.size(), std::size_t{8});
      QVERIFY2(*std::ranges::min_element(heights) >= 17,
               qPrintable(QString::number(*std::ranges::min_element(heights))));
    }
  }

  void legendsAreWhole_data() {
    QTest::addColumn<QSize>("size");
    QTest::addColumn<int>("percent");
    QTest::addColumn<int>("lanes");
    QTest::newRow("1440 x 900") << QSize(1440, 900) << 100 << 2;
    QTest::newRow("as low as it gets") << QSize(900, 560) << 100 << 3;
    QTest::newRow("large type") << QSize(1280, 720) << 200 << 2;
  }
  /// However low the chart is: names stand behind its title or above its plot.
  void legendsAreWhole() {
    QFETCH(QSize, size);
    QFETCH(int, percent);
    QFETCH(int, lanes);
    Page page;
    QVERIFY(page.startAt(size, percent, lanes));
    auto* chart = page.window().findChild<pages::GrowthChart*>();
    if (!chart->isVisible()) QTest::keyClick(&page.window(), Qt::Key_1, Qt::ControlModifier);
    QTRY_VERIFY(chart->isVisible());
    QTest::qWait(500);
    const session::Color ground = page.live().appearance().palette().panel;
    const test::Ink seen = inkOn(chart->grab().toImage(), QColor(ground.red, ground.green, ground.blue));
    for (int lane = 0; lane < lanes; ++lane) {
      const QString title = QString::fromStdString(page.store().lane(lane).info().title);
      const test::Match match = find(inkOn(paintedText(title, chart->legend->font()), Qt::black), seen);
      QVERIFY2(match.likeness > kWhole, qPrintable(title + QString(": %1").arg(match.likeness)));
    }
  }

  /// A roofline's legend has a line for each lane and stage, and its roofs have names.
  void aRooflineHasRoomInALowWindow() {
    Page page;
    QVERIFY(page.startAt({1024, 640}));
    QTest::keyClick(&page.window(), Qt::Key_3, Qt::ControlModifier);
    const auto* chart = page.window().findChild<pages::RooflineChart*>();
    QTRY_VERIFY(chart->isVisible());
    constexpr int kLines = 9;
    const int line = QFontMetrics(page.smallFont()).lineSpacing();
    QTRY_VERIFY2(chart->height() >= kLines * line, qPrintable(QString::number(chart->height())));
  }

  void messagesHideNoNumber_data() {
    QTest::addColumn<QSize>("size");
    QTest::addColumn<bool>("inspector");
    QTest::newRow("1440 x 900") << QSize(1440, 900) << false;
    QTest::newRow("1280 x 720") << QSize(1280, 720) << false;
    QTest::newRow("1024 x 640") << QSize(1024, 640) << false;
    QTest::newRow("beside the inspector") << QSize(1280, 720) << true;
  }
  /// Headlines, cache and counters, and the inspector's figures.
  void messagesHideNoNumber() {
    QFETCH(QSize, size);
    QFETCH(bool, inspector);
    Page page;
    QVERIFY(page.startAt(size));
    if (inspector) page.selection().setHead(session::HeadAddress{});
    QTest::qWait(300);
    page.settle();
    const int cache = page.searchDown(40, page.live().height() / 3, [&] { return page.isOnCache(); });
    QVERIFY(cache > 0);
    const int text = page.searchDown(40, 30, [&] { return page.selection().hoveredToken().has_value(); });
    page.window().showMessage(
        {session::Severity::Note,
         "A sentence that is long enough to need a second line where a window is "
         "narrow, as those of refused prompts and of files that contradict themselves."});
    const pages::MessageBar& bar = page.window().messages();
    QTRY_VERIFY(bar.isVisible());
    const QPoint corner = bar.mapToGlobal(QPoint(0, 0)) - page.live().mapToGlobal(QPoint(0, 0));
    // Above the strips stands the title of the cache.
    QVERIFY2(corner.y() + bar.height() < cache - 12, qPrintable(QString::number(corner.y())));
    QVERIFY(corner.y() >= text);
    if (inspector) QVERIFY(corner.x() + bar.width() < page.live().width() * 58 / 100);
  }

  void chartsAreAsWideAfterAPresentation() {
    Page page;
    QVERIFY(page.startAt({1440, 900}));
    const auto widths = [&] {
      return std::vector<int>{page.window().findChild<pages::GrowthChart*>()->width(),
                              page.window().findChild<pages::TrafficChart*>()->width(),
                              page.window().findChild<pages::StageChart*>()->width()};
    };
    const auto areEven = [&] {
      const auto [least, most] = std::ranges::minmax(widths());
      return most - least <= 1;
    };
    QTRY_VERIFY(areEven());
    const std::vector<int> before = widths();
    QTest::keyClick(&page.window(), Qt::Key_F11);
    QTRY_VERIFY(page.window().isFullScreen());
    QTest::qWait(300);
    QTest::keyClick(&page.window(), Qt::Key_F11);
    QTRY_VERIFY(!page.window().isFullScreen());
    QTRY_COMPARE(page.window().width(), 1440);
    QTest::qWait(300);
    QCOMPARE(widths(), before);
  }
};

HEADROOM_GUI_TEST_MAIN(TestLayout)
#include "tst_layout.moc"
