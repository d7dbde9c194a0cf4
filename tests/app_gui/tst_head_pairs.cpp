#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QTabBar>
#include <QTableView>
#include <cmath>

#include "app/pages/heads/pair_matrices.h"
#include "app/pages/heads/score_grid.h"
#include "app/pages/texts.h"
#include "core/lanes/device_lanes.h"
#include "tests/app_gui/file_answer.h"
#include "tests/app_gui/gui_fixture.h"

using namespace headroom;

namespace {
constexpr int kHeads = 48;  // of a bundled model: six layers of eight

/// The bundled GQA and MQA models, whose heads were measured, in the tab that compares them.
struct Page : test::GuiFixture {
  Page() : GuiFixture(lanes::deviceLanes()) { settings.setPace({200.0}); }

  void measured() {
    start({"gqa", "mqa"});
    QVERIFY(drawn());
    QTRY_VERIFY_WITH_TIMEOUT(length(0) > 40, 20000);
    application->session().pause();
    click("modeHeads");
    click("measureHeads");
    auto* table = window().findChild<QTableView*>("headTable");
    QTRY_COMPARE_WITH_TIMEOUT(table->model()->rowCount(), 2 * kHeads, 60000);
    QTRY_VERIFY_WITH_TIMEOUT(window().findChild<QWidget*>("measureHeads")->isEnabled(), 30000);
    tabs().setCurrentIndex(1);
    QTRY_VERIFY(matrices().isVisible());
  }
  QTabBar& tabs() { return *window().findChild<QTabBar*>("headTabs"); }
  pages::PairMatrices& matrices() { return *window().findChild<pages::PairMatrices*>("pairMatrices"); }
  /// As somebody does with the keys.
  void choose(int comparison) {
    auto* box = window().findChild<QComboBox*>("headComparison");
    box->setFocus();
    while (box->currentIndex() < comparison) QTest::keyClick(box, Qt::Key_Down);
    QCOMPARE(box->currentIndex(), comparison);
  }
  /// The middle of a cell.
  QPointF cell(std::size_t entry, int layer, int heads, int head, int other) {
    const QRectF area = matrices().matrixOf(entry, layer);
    return area.topLeft() +
           QPointF((other + 0.5) * area.width() / heads, (head + 0.5) * area.height() / heads);
  }
  session::Color pixel(QPointF at) {
    const QColor color = matrices().grab().toImage().pixelColor(at.toPoint());
    return {static_cast<std::uint8_t>(color.red()), static_cast<std::uint8_t>(color.green()),
            static_cast<std::uint8_t>(color.blue())};
  }
  /// Chooses an entry of a menu, and names the file.
  bool chooseFile(const char* name, const QString& path) {
    auto* action = window().findChild<QAction*>(name);
    if (!action) return false;
    test::Answer answer(path);
    action->trigger();
    return !answer.title().isEmpty();
  }
};

/// The number behind the measure in a tip.
double numberIn(const QString& tip) {
  return tip.section('\n', 1, 1).section(": ", 1).replace(u'\u2212', u'-').toDouble();
}

}  // namespace

/// How alike heads are, in the real window.
class TestHeadPairs : public QObject {
  Q_OBJECT

 private:
  QTemporaryDir m_folder;
  QString file(const QString& name) const { return m_folder.filePath(name); }

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// Each comparison: what a head is to itself has its colour, a tip and a row of the table the same number.
  void headsAreComparedByWhatIsChosen() {
    Page page;
    page.measured();
    struct Expected {
      const char* name;
      const char* column;
      int heads;
      session::Color self;  ///< of published maps
      double selfValue;
    };
    const std::vector<Expected> all{
        {"attention", "divergence", 8, analysis::rgb(0x440154), 0.0},
        {"outputs", "output_cosine", 8, analysis::rgb(0x67001F), 1.0},
        {"keys", "key_cka", 2, analysis::rgb(0xFDE725), 1.0},
        {"values", "value_cka", 2, analysis::rgb(0xFDE725), 1.0},
    };
    QCOMPARE(analysis::headComparisons().size(), all.size());
    for (std::size_t index = 0; index < all.size(); ++index) {
      const Expected& expected = all[index];
      page.choose(static_cast<int>(index));
      const QPointF self = page.cell(0, 2, expected.heads, 1, 1);
      QVERIFY2(page.pixel(self) == expected.self, expected.name);
      QCOMPARE(numberIn(page.matrices().tipAt(self)), expected.selfValue);

      const QString path = file(QString("pairs-%1.csv").arg(expected.name));
      QVERIFY(page.chooseFile("context table pairs", path));
      const QStringList lines = test::linesOf(path);
      const QStringList columns = lines[0].split(',');
      const auto value = columns.indexOf(expected.column);
      QVERIFY2(value > 0, qPrintable(lines[0]));
      // Layer 2, heads 0 and 1, of the first lane.
      const QStringList row =
          lines.filter("GQA,").filter(QRegularExpression("^GQA,[^,]*,2,0,1,")).value(0).split(',');
      QCOMPARE(row.size(), columns.size());
      const QString tip = page.matrices().tipAt(page.cell(0, 2, expected.heads, 0, 1));
      QVERIFY2(std::abs(numberIn(tip) - row[value].toDouble()) <= 0.5001e-4, qPrintable(tip + row.join(',')));
      const bool isOfKvHeads = expected.heads == 2;
      QVERIFY2(tip.contains(isOfKvHeads ? "L2KV0 and L2KV1" : "L2H0 and L2H1"), qPrintable(tip));
      // One KV head is compared with no other.
      QCOMPARE(page.matrices().matrixOf(1, 2).isEmpty(), isOfKvHeads);
      QCOMPARE(lines.filter(QRegularExpression("^MQA,")).isEmpty(), isOfKvHeads);
      QVERIFY(page.window()
                  .findChild<QLabel*>("pairsNote")
                  ->text()
                  .contains(analysis::headComparisons()[index].meaning));
    }
  }

  /// Both views as pictures, with the text of the lanes and of what was read.
  void picturesAreWritten() {
    Page page;
    page.measured();
    QVERIFY(page.chooseFile("context picture pairs", file("pairs.svg")));
    const QString pairs = test::linesOf(file("pairs.svg")).join(' ');
    for (const char* word : {"GQA", "MQA", "layer 5", "query head", "what was decoded", "Headroom "})
      QVERIFY2(pairs.contains(word), word);
    QVERIFY(page.chooseFile("context picture heads", file("heads.png")));
    const QImage heads(file("heads.png"));
    // Of the lanes' colours on paper the names and brackets.
    for (const std::size_t lane : {0, 1})
      QVERIFY(test::countPixels(heads, analysis::kLaneColorsOnLight[lane], {0, 0, 1, 1}, 2) > 200);
    QVERIFY(page.chooseFile("context table heads", file("heads.csv")));
    QCOMPARE(test::linesOf(file("heads.csv")).size(), 1 + 2 * kHeads);
    // Directions are offered as they were.
    QVERIFY(page.chooseFile("context table cache", file("cache.csv")));
    QCOMPARE(test::linesOf(file("cache.csv")).size(), 1 + 2 * 6 * 2);
  }

  /// A right click on a head opens the menu and leaves the choice alone.
  void aRightClickChoosesNothing() {
    Page page;
    page.measured();
    auto* grid = page.window().findChild<pages::ScoreGrid*>("scoreGrid");
    QTest::mouseClick(grid, Qt::RightButton, {}, grid->cellOf({0, 9}).toRect().center());
    QVERIFY(!page.selection().head());
    QTest::mouseClick(grid, Qt::LeftButton, {}, grid->cellOf({0, 9}).toRect().center());
    QVERIFY((page.selection().head() == session::HeadAddress{0, 1, 1}));
  }
};

HEADROOM_GUI_TEST_MAIN(TestHeadPairs)
#include "tst_head_pairs.moc"
