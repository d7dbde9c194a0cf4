// How the live page divides its room: controls can be reached in every type, maps come before charts, and
// neither inspector nor messages take what is being read.
#include <QComboBox>
#include <QLabel>
#include <QMenu>
#include <QSpinBox>
#include <QToolButton>
#include <set>

#include "app/pages/charts/growth_chart.h"
#include "app/pages/charts/roofline_chart.h"
#include "app/pages/charts/stage_chart.h"
#include "app/pages/charts/traffic_chart.h"
#include "app/view/theme.h"
#include "tests/app_gui/fake_page.h"
#include "tests/app_gui/text_match.h"

using namespace headroom;
using test::countPixels;
using test::find;
using test::inkOn;
using test::paintedText;

namespace {

/// Two rasterisers' pictures of one word are this alike.
constexpr double kSame = 0.75;
/// Those of Qt's own painter, in charts.
constexpr double kWhole = 0.9;

struct Page : test::FakePage {
  bool startAt(QSize size, int percent = 100, int lanes = 2) {
    if (lanes == 1) settings.setLanes({{"mha", 0, {}}});
    if (lanes == 3) settings.setLanes({{"mha", 0, {}}, {"gqa", 1, {}}, {"mqa", 2, {}}});
    start();
    const bool isDone = drawn() && QTest::qWaitFor(
                                       [&] {
                                         return application->session().state().finished &&
                                                length(lanes - 1) == 64 &&
                                                application->board().laneCount() == lanes &&
                                                application->board().measurement(0).measured();
                                       },
                                       20000);
    window().messages().dismiss();
    session::Appearance appearance = window().appearance();
    appearance.textPercent = percent;
    window().setAppearance(appearance);
    window().resize(size);
    const bool isSized = QTest::qWaitFor([&] { return window().size() == size; }, 5000);
    QTest::qWait(300);
    settle();
    return isDone && isSized;
  }
  /// Within the window, in whole.
  bool isInSight(const QWidget* widget) {
    return widget->isVisible() &&
           window().rect().contains(QRect(widget->mapTo(&window(), QPoint(0, 0)), widget->size()));
  }
  /// Everything that one can press or type into in the bar shows in whole, and touches nothing else there.
  QString troubleIn(const char* name) {
    const auto* bar = window().findChild<QWidget*>(name);
    std::vector<QRect> places;
    for (const QWidget* widget : bar->findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly)) {
      if (!widget->isVisible() || widget->isWindow()) continue;
      const QString what = QString(widget->metaObject()->className()) + " " + widget->objectName();
      if (!isInSight(widget) || !bar->rect().contains(widget->geometry())) return what + " is cut";
      if (widget->width() < widget->minimumSizeHint().width() ||
          widget->height() < widget->minimumSizeHint().height())
        return what + " is too small";
      const auto* label = qobject_cast<const QLabel*>(widget);
      if (label && label->width() < label->sizeHint().width()) return what + " is cut short";
      for (const QRect& other : places)
        if (other.intersects(widget->geometry())) return what + " lies on another";
      places.push_back(widget->geometry());
    }
    return places.size() < 7 ? QString("only %1 controls").arg(places.size()) : QString();
  }
  QFont smallFont() {
    QFont font = view::qtFont(live().appearance());
    font.setPixelSize(static_cast<int>(std::lround(live().appearance().textSize() - 2.0f)));
    return font;
  }
  /// Where the words stand in small type on a ground, in the lowest part of the canvas.
  test::Match wordBelow(const QString& word, session::Color ground) {
    const QImage image = picture();
    const QRect part(0, image.height() * 2 / 3, image.width(), image.height() - image.height() * 2 / 3);
    test::Match match = find(inkOn(paintedText(word, smallFont()), Qt::black),
                             inkOn(image.copy(part), QColor(ground.red, ground.green, ground.blue)));
    match.place.translate(part.topLeft());
    return match;
  }
  /// For many places: what lies under the mouse is known once a frame was drawn.
  void pointAt(QPoint at) {
    const std::uint64_t before = live().frameCount();
    QTest::mouseMove(&live(), at);
    static_cast<void>(QTest::qWaitFor([&] { return live().frameCount() > before; }, 80));
  }
  /// Down a column of the canvas until `is`; -1 where it never is.
  template <typename Condition>
  int searchDown(int x, int from, Condition is, int step = 9) {
    for (int y = from; y < live().height(); y += step) {
      pointAt({x, y});
      if (is()) return y;
    }
    return -1;
  }
  bool isOnBracket(int lane) {
    const auto& pointed = selection().pointedKvHead();
    return pointed && pointed->lane == lane && !pointed->layer;
  }
  bool isOnCache() {
    const auto& pointed = selection().pointedKvHead();
    return pointed && pointed->layer;
  }
  /// Pixels down that are seen of the maps which begin above y, in a lane of `count`: along their right
  /// edges, where they are empty.
  std::vector<int> mapHeights(int lane, int count, int y) {
    const QImage image = picture();
    const session::Color empty = live().appearance().palette().mapGround;
    const auto isEmpty = [&](int x, int at) {
      const QRgb pixel = image.pixel(x, at);
      return qRed(pixel) == empty.red && qGreen(pixel) == empty.green && qBlue(pixel) == empty.blue;
    };
    std::vector<int> heights;
    for (int x = lane * image.width() / count; x + 1 < (lane + 1) * image.width() / count; ++x) {
      if (!isEmpty(x, y) || isEmpty(x + 1, y)) continue;
      int end = y;
      while (end < image.height() && isEmpty(x, end)) ++end;
      heights.push_back(end - y);
    }
    return heights;
  }
  /// The token at places of the first lane's text, a few per line: where lines break.
  std::vector<int> tokens(int top) {
    std::vector<int> found;
    for (int y = top; y < top + 36; y += 12) {
      for (const int x : {30, 60, 120}) {
        pointAt({x, y});
        const auto& token = selection().hoveredToken();
        found.push_back(token ? token->position : -1);
      }
    }
    moveMouse({2, 2});
    return found;
  }
};

const std::set<int> kAllHeads{0, 1, 2, 3, 4, 5, 6, 7};

}  // namespace

class TestLayout : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

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
    QVERIFY2(below.likeness > kSame, qPrintable(QString::number(below.likeness)));
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
    QVERIFY(page.wordBelow("Above:", colors.raised).likeness > kSame);
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

  void chartsYieldToTheInspector_data() {
    QTest::addColumn<QSize>("size");
    QTest::addColumn<bool>("before");
    QTest::newRow("1440 x 900") << QSize(1440, 900) << true;
    QTest::newRow("1280 x 720") << QSize(1280, 720) << false;
  }
  /// They come back with the end of it, or when somebody asks.
  void chartsYieldToTheInspector() {
    QFETCH(QSize, size);
    QFETCH(bool, before);
    Page page;
    QVERIFY(page.startAt(size));
    const auto* chart = page.window().findChild<pages::GrowthChart*>();
    auto* button = page.window().findChild<QToolButton*>("viewCharts");
    QCOMPARE(chart->isVisible(), before);
    QCOMPARE(button->isChecked(), before);
    QTest::keyClick(&page.window(), Qt::Key_Right, Qt::ControlModifier);
    QTRY_VERIFY(!chart->isVisible());
    for (const char* name : {"viewCharts", "viewSpeed", "viewRoofline", "viewWeights"})
      QVERIFY2(!page.window().findChild<QToolButton*>(name)->isChecked(), name);
    QTRY_VERIFY(page.live().height() > size.height() * 6 / 10);
    for (const bool open : {true, false}) {
      QTest::mouseClick(button, Qt::LeftButton);
      QTRY_COMPARE(chart->isVisible(), open);
      QCOMPARE(button->isChecked(), open);
    }
    QTest::keyClick(&page.window(), Qt::Key_Escape);
    QTRY_VERIFY(!page.selection().head());
    QTRY_COMPARE(chart->isVisible(), before);
    QCOMPARE(button->isChecked(), before);
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

  /// None of a head's figures is cut where there is little room for them, below two maps.
  void figuresAreWhole() {
    Page page;
    QVERIFY(page.startAt({1280, 720}));
    page.selection().setHead(session::HeadAddress{});
    QTest::qWait(300);
    page.settle();
    const session::Color panel = page.live().appearance().palette().panel;
    const QImage image = page.picture();
    // The lower right, where the inspector has them.
    const int left = image.width() * 58 / 100;
    const int top = image.height() / 3;
    const test::Ink seen = inkOn(image.copy(left, top, image.width() - left, image.height() - 60 - top),
                                 QColor(panel.red, panel.green, panel.blue));
    const QFont font = page.smallFont();
    const auto likeness = [&](const QString& word) {
      return find(inkOn(paintedText(word, font), Qt::black), seen).likeness;
    };
    double distance = 0.0;
    const std::span<const float> row = page.store().lane(0).attentionRow(0, 0, 63);
    for (std::size_t at = 0; at < row.size(); ++at)
      distance += static_cast<double>(row[at]) * static_cast<double>(63 - at);
    constexpr double kAlike = 0.6;  // in so small type
    const double whole = likeness(QString("distance %1").arg(distance, 0, 'f', 1));
    const double cut = likeness("distance \u2026");
    QVERIFY2(whole > kAlike && whole > cut, qPrintable(QString("%1, %2").arg(whole).arg(cut)));
  }

  void theInspectorsControlsAreWhole_data() {
    QTest::addColumn<QSize>("size");
    QTest::newRow("1440 x 900") << QSize(1440, 900);
    QTest::newRow("1280 x 720") << QSize(1280, 720);
  }
  /// The last of them, in large type.
  void theInspectorsControlsAreWhole() {
    QFETCH(QSize, size);
    Page page;
    QVERIFY(page.startAt(size, 200));
    page.selection().setHead(session::HeadAddress{});
    QTest::qWait(300);
    page.settle();
    QFont font = view::qtFont(page.live().appearance());
    font.setPixelSize(static_cast<int>(page.live().appearance().textSize()));
    const session::Color raised = page.live().appearance().palette().raised;
    const QImage image = page.picture();
    const int left = image.width() * 55 / 100;
    const double likeness = find(inkOn(paintedText("Whole text", font), Qt::black),
                                 inkOn(image.copy(left, 0, image.width() - left, image.height()),
                                       QColor(raised.red, raised.green, raised.blue)))
                                .likeness;
    QVERIFY2(likeness > kSame, qPrintable(QString::number(likeness)));
  }

  void theInspectorLeavesTheText_data() {
    QTest::addColumn<QSize>("size");
    QTest::addColumn<int>("percent");
    QTest::addColumn<bool>("roofline");
    QTest::newRow("1440 x 900") << QSize(1440, 900) << 100 << false;
    QTest::newRow("1280 x 720, roofline") << QSize(1280, 720) << 100 << true;
    QTest::newRow("1024 x 640") << QSize(1024, 640) << 100 << false;
  }
  /// Lines break where they did, and the token that is looked at stays in sight.
  void theInspectorLeavesTheText() {
    QFETCH(QSize, size);
    QFETCH(int, percent);
    QFETCH(bool, roofline);
    Page page;
    QVERIFY(page.startAt(size, percent));
    if (roofline) QTest::keyClick(&page.window(), Qt::Key_3, Qt::ControlModifier);
    QTest::qWait(200);
    page.settle();
    const int textEnd = page.searchDown(page.live().width() / 4, 62, [&] { return page.isOnBracket(0); });
    QVERIFY(textEnd > 0);
    // One that is in sight, as its own place shows.
    const int line = page.searchDown(30, 62, [&] { return page.selection().hoveredToken().has_value(); });
    QVERIFY(line > 0);
    const int selected = page.selection().hoveredToken()->position;
    page.selection().setPosition(selected);
    page.settle();
    const std::vector<int> before = page.tokens(line);
    QVERIFY(std::ranges::count(before, selected) > 0);
    QTest::keyClick(&page.window(), Qt::Key_Right, Qt::ControlModifier);
    QTRY_VERIFY(page.selection().head().has_value());
    QTest::qWait(300);
    page.settle();
    QCOMPARE(page.tokens(line), before);
    // No head lies out of sight beside it.
    const int wall = static_cast<int>(page.live().width() * 0.58) / 2;
    for (int lane = 0; lane < 2; ++lane) {
      const int bracket =
          page.searchDown(lane * wall + wall * 2 / 3, textEnd - 60, [&] { return page.isOnBracket(lane); });
      QVERIFY(bracket > 0);
      std::set<int> heads;
      for (int x = lane * wall; x < (lane + 1) * wall + 8; x += wall / 20) {
        page.pointAt({x, bracket});
        if (page.isOnBracket(lane)) heads.insert(page.selection().pointedKvHead()->kvHead);
      }
      QCOMPARE(heads, lane == 0 ? kAllHeads : std::set<int>{0});
    }
    QTest::keyClick(&page.window(), Qt::Key_Escape);
    QTRY_VERIFY(!page.selection().head());
    QTest::qWait(300);
    page.settle();
    QCOMPARE(page.tokens(line), before);
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
