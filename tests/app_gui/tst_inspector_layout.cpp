// How the live page divides its room while a head is inspected: charts yield, the text stays where it is, and
// all of the inspector can be read and reached.
#include <QToolButton>
#include <set>

#include "app/pages/charts/growth_chart.h"
#include "tests/app_gui/layout_page.h"

using namespace headroom;
using test::find;
using test::inkOn;
using test::paintedText;
using Page = test::LayoutPage;

namespace {

const std::set<int> kAllHeads{0, 1, 2, 3, 4, 5, 6, 7};

}  // namespace

class TestInspectorLayout : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

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
    QVERIFY2(likeness > test::kSame, qPrintable(QString::number(likeness)));
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
};

HEADROOM_GUI_TEST_MAIN(TestInspectorLayout)
#include "tst_inspector_layout.moc"
