#include <QAction>
#include <QContextMenuEvent>
#include <QMenu>
#include <QTimer>

#include "app/pages/charts/growth_chart.h"
#include "app/pages/charts/stage_chart.h"
#include "app/pages/charts/traffic_chart.h"
#include "core/formats/npy.h"
#include "tests/app_gui/fake_page.h"
#include "tests/app_gui/file_answer.h"

using namespace headroom;
using test::Answer;
using test::countPixels;
using test::linesOf;

namespace {

using Page = test::FakePage;
}  // namespace

class TestExport : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const char* name) const { return m_folder.filePath(name); }

  /// Chooses an entry of the menu, and names the file.
  static bool choose(Page& page, const char* name, const QString& path) {
    auto* action = page.window().findChild<QAction*>(name);
    if (!action || !action->isEnabled()) return false;
    Answer answer(path);
    action->trigger();
    return !answer.title().isEmpty();
  }

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void theMenuHasThem() {
    Page page;
    QVERIFY(page.startPaused());
    QVERIFY(choose(page, "export table growth", file("growth.csv")));
    const QStringList growth = linesOf(file("growth.csv"));
    // 2 x 3 layers x 8 heads x 16 x 4 bytes = 3,072 per position, an eighth of it with one head.
    QVERIFY2(growth.contains("MHA,fake,fake device,64,196608,counted"), qPrintable(growth.join('\n')));
    QVERIFY(growth.contains("MQA,fake,fake device,20,7680,counted"));
    QVERIFY(choose(page, "export table stages", file("stages.csv")));
    QVERIFY(linesOf(file("stages.csv")).contains("MHA,fake,fake device,ffn_down,0.6,measured"));
    QVERIFY(linesOf(file("stages.csv")).contains("MQA,fake,fake device,outside,1,measured"));
    // The filter's ending where none is typed.
    QVERIFY(choose(page, "export picture traffic", file("traffic")));
    const QImage traffic = QImage(file("traffic.png"));
    QVERIFY(traffic.width() > 800);
    for (const int lane : {0, 1}) {
      const session::Color color = session::paletteOf(session::Theme::Light).lanes[static_cast<size_t>(lane)];
      QVERIFY2(countPixels(traffic, color, {0, 0.15, 1, 0.7}, 2) > 500, qPrintable(QString::number(lane)));
    }
    QVERIFY(choose(page, "export picture growth", file("growth.svg")));
    QVERIFY(linesOf(file("growth.svg")).join(' ').contains("MHA at the limit: 197 kB"));
    QVERIFY(page.window().messages().note().contains("growth.svg"));
  }

  void chartsHaveAMenuOfTheirOwn() {
    Page page;
    QVERIFY(page.startPaused());
    auto* chart = page.window().findChild<pages::StageChart*>();
    QVERIFY(chart && chart->isVisible());
    // The menu is open while the event is handled.
    bool isChosen = false;
    QTimer::singleShot(200, [&] {
      auto* menu = qobject_cast<QMenu*>(QApplication::activePopupWidget());
      if (!menu || menu->actions().size() != 2) return;
      isChosen = true;
      menu->setActiveAction(menu->actions().front());
      QTest::keyClick(menu, Qt::Key_Return);
    });
    Answer answer(file("context.png"));
    const QPoint middle = chart->rect().center();
    QContextMenuEvent event(QContextMenuEvent::Mouse, middle, chart->mapToGlobal(middle));
    QApplication::sendEvent(chart, &event);
    QVERIFY(isChosen);
    QVERIFY(!answer.title().isEmpty());
    QVERIFY(QImage(file("context.png")).width() > 800);
  }

  void aMapHasAMenuInTheLiveView() {
    Page page;
    QVERIFY(page.startPaused());
    auto& selection = page.selection();
    // A click finds the head that lies there; a right click then asks for the same.
    QPoint at;
    for (int y = 150; y < page.live().height() - 150 && !selection.head(); y += 12) {
      at = {page.live().width() / 4, y};
      page.moveMouse(at);
      QTest::mouseClick(&page.live(), Qt::LeftButton, {}, at);
      page.settle();
    }
    QVERIFY(selection.head().has_value());
    // In the inspector, which is open now.
    page.moveMouse({page.live().width() * 70 / 100, page.live().height() / 2});
    QTest::mouseClick(&page.live(), Qt::RightButton, {},
                      {page.live().width() * 70 / 100, page.live().height() / 2});
    QMenu* menu = nullptr;
    QTRY_VERIFY((menu = page.window().findChild<QMenu*>("head menu")) && menu->isVisible());
    Answer answer(file("rows.npy"));
    auto* rows = menu->findChild<QAction*>("export rows map");
    QVERIFY(rows);
    menu->setActiveAction(rows);
    QTest::keyClick(menu, Qt::Key_Return);
    QTRY_VERIFY(QFile::exists(file("rows.npy")));
    const formats::NpyArray read = formats::readNpy(file("rows.npy").toStdString());
    QCOMPARE(read.shape, (std::vector<std::int64_t>{64, 64}));
    const int head = selection.head()->queryHead;
    for (int query = 0; query < 64; ++query) {
      for (int attended = 0; attended < 64; ++attended) {
        const float expected =
            attended > query ? 0.0f : test::FakeDecoder::attentionFor(head, query, attended);
        QCOMPARE(static_cast<float>(read.values[static_cast<std::size_t>(query * 64 + attended)]), expected);
      }
    }
    QVERIFY(choose(page, "export picture map", file("map.png")));
    // Viridis for 0.6 of a logarithmic map, and what lies above the diagonal.
    const QImage map(file("map.png"));
    QVERIFY(countPixels(map, {0xE2, 0xE6, 0xEC}, {0, 0, 1, 1}, 0) > map.width() * map.height() / 10);
  }

  void theHeadWallHasAMenu() {
    Page page;
    QVERIFY(page.startPaused());
    std::optional<session::HeadAddress> asked;
    QObject::connect(&page.selection(), &session::Selection::headMenuWanted,
                     [&](const session::HeadAddress& head) { asked = head; });
    for (int y = 150; y < page.live().height() - 150 && !asked; y += 12) {
      const QPoint at(page.live().width() * 3 / 4, y);
      page.moveMouse(at);
      QTest::mouseClick(&page.live(), Qt::RightButton, {}, at);
      page.settle();
    }
    QVERIFY(asked.has_value());
    QCOMPARE(asked->lane, 1);
    QMenu* menu = nullptr;
    QTRY_VERIFY((menu = page.window().findChild<QMenu*>("head menu")) && menu->isVisible());
    // A right click opens the menu, it does not select.
    QVERIFY(!page.selection().head());
    menu->close();
  }

  void theViewIsAsItShows() {
    Page page;
    QVERIFY(page.startPaused());
    const QImage live = page.picture();
    QVERIFY(choose(page, "export view", file("view.png")));
    const QImage view(file("view.png"));
    QCOMPARE(view.size(), page.window().size() * page.window().devicePixelRatio());
    const auto* container = page.window().findChild<QWidget*>("live");
    const QRect area(container->mapTo(&page.window(), QPoint(0, 0)), container->size());
    // Maps, text and caches where they stand, and the charts below them.
    QVERIFY(test::difference(view.copy(area), live) < 0.02);
    const QImage below = view.copy(0, area.bottom() + 1, view.width(), view.height() - area.bottom() - 1);
    const session::Palette& dark = session::paletteOf(session::Theme::Dark);
    QVERIFY(countPixels(below, dark.lanes[0]) > 100);
    QVERIFY(countPixels(below, dark.lanes[1]) > 100);
  }

  /// The window's charts have the numbers of the tables, in the unit that fits the largest.
  void chartsShowWhatIsExported() {
    Page page;
    QVERIFY(page.startPaused());
    const auto* growth = page.window().findChild<pages::GrowthChart*>();
    QTRY_COMPARE(growth->graphCount(), 4);
    const auto endOf = [&](int graph) {
      const auto last = growth->graph(graph)->data()->constEnd() - 1;
      return std::pair(last->key, last->value);
    };
    QTRY_COMPARE(endOf(0), std::pair(64.0, 196.608));
    QTRY_COMPARE(endOf(2), std::pair(64.0, 24.576));
    QCOMPARE(endOf(3), std::pair(64.0, 24.576));
    QVERIFY(choose(page, "export table traffic", file("shown.csv")));
    const auto* traffic = page.window().findChild<pages::TrafficChart*>();
    const auto drawn = traffic->graph(0)->data();
    int rows = 0;
    double unit = 0.0;
    for (const QString& line : linesOf(file("shown.csv"))) {
      const QStringList cells = line.split(',');
      if (cells[0] != "MHA") continue;
      const auto found = drawn->findBegin(cells[3].toDouble(), false);
      QVERIFY2(found != drawn->constEnd() && found->key == cells[3].toDouble(), qPrintable(line));
      if (rows++ == 0) unit = cells[4].toDouble() / found->value;
      QVERIFY2(std::abs(found->value * unit - cells[4].toDouble()) < 0.5, qPrintable(line));
    }
    QVERIFY(rows > 1 && rows == drawn->size());
    QVERIFY2(std::abs(unit - 1e3) < 1e-6 || std::abs(unit - 1e6) < 1e-3, qPrintable(QString::number(unit)));
  }

  void aSweepIsExported() {
    Page page;
    QVERIFY(page.startPaused());
    QVERIFY(choose(page, "export table speed-context", file("speed.csv")));
    QVERIFY(!QFile::exists(file("speed.csv")));
    QVERIFY(page.window().messages().sentence().contains("Nothing was measured yet"));
    analysis::SpeedMap sweep{.device = "fake device", .date = "2026-11-26 12:34", .curves = {}};
    sweep.curves.push_back({.name = "MHA",
                            .source = "mha",
                            .attention = {8, 8, 16},
                            .points = {{{1, 16}, {1.0, 2.0, 4.0}}, {{1, 32}, {3.0, 3.0, 3.0}}}});
    page.store().setSpeedMap(sweep);
    QVERIFY(choose(page, "export table speed-context", file("speed.csv")));
    QVERIFY2(linesOf(file("speed.csv")).contains("MHA,fake device,1,16,2,1,4,measured"),
             qPrintable(linesOf(file("speed.csv")).join('\n')));
  }

  void aProblemIsASentence() {
    Page page;
    QVERIFY(page.startPaused());
    QVERIFY(choose(page, "export picture growth", file("growth.tiff")));
    QVERIFY(!QFile::exists(file("growth.tiff")));
    QVERIFY(page.window().messages().isVisible());
    // No head is in the inspector.
    QVERIFY(choose(page, "export rows map", file("none.npy")));
    QVERIFY(!QFile::exists(file("none.npy")));
  }
};

HEADROOM_GUI_TEST_MAIN(TestExport)
#include "tst_export.moc"
