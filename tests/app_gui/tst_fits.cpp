// What has its own place stays free, and what has no room goes by a rule, at the sizes that people have.
#include <QLabel>
#include <set>

#include "app/pages/charts/speed_chart.h"
#include "app/view/theme.h"
#include "tests/app_gui/fake_page.h"
#include "tests/app_gui/text_match.h"

using namespace headroom;
using test::find;
using test::inkOn;
using test::paintedText;

namespace {

bool isColor(QRgb pixel, session::Color color) {
  return qRed(pixel) == color.red && qGreen(pixel) == color.green && qBlue(pixel) == color.blue;
}

struct Page : test::FakePage {
  /// Where the timeline begins, as drawn: above it a gap in the window's colour lies across the view.
  int timelineTop() {
    const QImage image = picture();
    const session::Palette& colors = live().appearance().palette();
    // In the left part of the timeline, which is a panel; below it the legend lies on the window's colour.
    const int left = static_cast<int>(8.0f * live().appearance().scale()) + 3;
    int y = image.height() - 1;
    while (y > 0 && !isColor(image.pixel(left, y), colors.panel)) --y;
    while (y > 0 && !isColor(image.pixel(left, y), colors.window)) --y;
    return y;
  }
  /// How much the part of the live view looks like a word in small type.
  double likeness(const QString& word, QRect part) {
    QFont font = view::qtFont(live().appearance());
    font.setPixelSize(static_cast<int>(std::lround(live().appearance().textSize() - 1.5f)));
    const session::Color ground = live().appearance().palette().panel;
    return find(inkOn(paintedText(word, font), Qt::black),
                inkOn(picture().copy(part), QColor(ground.red, ground.green, ground.blue)))
        .likeness;
  }
  /// Around the last line of the first lane's cache panel.
  QRect cacheNote(int laneCount) {
    const int lane = live().width() / laneCount;
    return {16, timelineTop() - 46, lane * 36 / 100 - 16, 40};
  }
};

}  // namespace

class TestFits : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void messagesLeaveTimelineAndLegendFree_data() {
    QTest::addColumn<QSize>("size");
    QTest::addColumn<int>("percent");
    QTest::newRow("1440 x 900") << QSize(1440, 900) << 100;
    QTest::newRow("1280 x 720") << QSize(1280, 720) << 100;
    QTest::newRow("1024 x 640") << QSize(1024, 640) << 100;
    QTest::newRow("large type") << QSize(1440, 900) << 200;
  }
  void messagesLeaveTimelineAndLegendFree() {
    QFETCH(QSize, size);
    QFETCH(int, percent);
    Page page;
    QVERIFY(page.startPaused());
    session::Appearance appearance = page.window().appearance();
    appearance.textPercent = percent;
    page.window().setAppearance(appearance);
    page.window().resize(size);
    QTRY_COMPARE(page.window().size(), size);
    QVERIFY(!page.picture().isNull());
    const QSize before = page.live().size();
    page.window().showMessage(
        {session::Severity::Note,
         "A sentence that is long enough to need a second line where a window is "
         "narrow, as those of refused prompts and of files that contradict themselves."});
    const pages::MessageBar& bar = page.window().messages();
    QVERIFY(bar.isVisible());
    const int top = page.live().mapToGlobal(QPoint(0, 0)).y() + page.timelineTop();
    QTRY_VERIFY2(bar.mapToGlobal(QPoint(0, bar.height())).y() <= top,
                 qPrintable(QString("%1 %2").arg(bar.mapToGlobal(QPoint(0, bar.height())).y()).arg(top)));
    QCOMPARE(page.live().size(), before);
  }

  /// At twice the text size a low window keeps its height for the lanes; the views are in the menu.
  void theVerdictLeavesTheLanesTheirHeight() {
    Page page;
    QVERIFY(page.startPaused());
    auto* verdict = page.window().findChild<QLabel*>("verdict");
    auto* view = page.window().findChild<QWidget*>("viewSpeed");
    page.window().resize(1440, 900);
    QTRY_VERIFY(view->isVisible());
    session::Appearance appearance = page.window().appearance();
    appearance.textPercent = 200;
    page.window().setAppearance(appearance);
    page.window().resize(1024, 640);
    QTRY_COMPARE(page.window().size(), QSize(1024, 640));
    QTRY_VERIFY(!view->isVisible());
    QTRY_VERIFY2(verdict->height() <= 3 * QFontMetrics(verdict->font()).lineSpacing() + 2,
                 qPrintable(QString::number(verdict->height())));
    QTest::keyClick(&page.window(), Qt::Key_2, Qt::ControlModifier);
    // The views can be reached without their buttons.
    auto* chart = page.window().findChild<pages::SpeedChart*>();
    QVERIFY(chart);
    QTRY_VERIFY(chart->isVisible());
    appearance.textPercent = 100;
    page.window().setAppearance(appearance);
    page.window().resize(1440, 900);
    QTRY_VERIFY(view->isVisible());
  }

  /// However narrow a lane is: four of them beside the inspector.
  void everyHeadOfTheWallCanBePointedAt() {
    Page page;
    page.settings.setLanes({{"mha", 0, {}}, {"mha", 1, {}}, {"gqa", 2, {}}, {"mqa", 3, {}}});
    page.start();
    QTRY_VERIFY(page.application->session().state().finished && page.length(3) == 64);
    page.window().messages().dismiss();
    page.selection().setHead(session::HeadAddress{});
    page.window().resize(1024, 640);
    QTRY_COMPARE(page.window().width(), 1024);
    page.settle();
    const int lane = page.live().width() * 58 / 100 / 4;
    // Down to the brackets above the maps, then across.
    int y = page.live().height() / 4;
    for (; y < page.live().height() * 3 / 4 && !page.selection().pointedKvHead(); y += 4)
      page.moveMouse({lane * 3 / 4, y});
    QVERIFY(page.selection().pointedKvHead().has_value());
    std::set<int> heads;
    for (int x = 8; x < lane; x += 3) {
      page.moveMouse({x, y - 4});
      const auto& pointed = page.selection().pointedKvHead();
      if (pointed && pointed->lane == 0) heads.insert(pointed->kvHead);
    }
    QCOMPARE(heads, (std::set<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  }

  /// 2 x 3 layers x 8 heads x 16 x 4 bytes x 64 positions are 196,608 bytes.
  void theCachesAmountLosesWordsFirst() {
    Page page;
    page.settings.setLanes({{"mha", 0, {}}, {"gqa", 1, {}}, {"mqa", 2, {}}});
    page.start();
    QTRY_VERIFY(page.application->session().state().finished && page.length(2) == 64);
    page.window().messages().dismiss();
    page.window().resize(1440, 900);
    QTRY_COMPARE(page.window().width(), 1440);
    QTRY_VERIFY(page.likeness("limit", page.cacheNote(3)) > test::kSame);
    page.window().resize(1024, 640);
    QTRY_COMPARE(page.window().width(), 1024);
    QTRY_VERIFY(page.likeness("limit", page.cacheNote(3)) < test::kSame);
    QVERIFY(page.likeness("197", page.cacheNote(3)) > test::kSame ||
            page.likeness("6,144", page.cacheNote(3)) > test::kSame);
    QVERIFY(page.likeness("at th", page.cacheNote(3)) < test::kSame);
  }
};

HEADROOM_GUI_TEST_MAIN(TestFits)
#include "tst_fits.moc"
