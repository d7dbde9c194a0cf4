#include <QAction>
#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QTabBar>
#include <QTableView>
#include <QToolButton>
#include <cmath>

#include "app/pages/heads/score_grid.h"
#include "app/pages/texts.h"
#include "core/lanes/device_lanes.h"
#include "tests/app_gui/file_answer.h"
#include "tests/app_gui/gui_fixture.h"

using namespace headroom;

namespace {
/// A machine that compiles beside, and kernels that Mesa compiles first.
constexpr int kPatienceMs = 30000;
constexpr int kHeads = 48;  // of a bundled model: six layers of eight

/// The bundled models on the real device.
struct Page : test::GuiFixture {
  Page() : GuiFixture(lanes::deviceLanes()) { settings.setPace({200.0}); }

  /// Decodes some text, and measures heads on it with two clicks.
  void measured(const std::vector<std::string>& models, int heads) {
    start(models);
    QVERIFY(drawn());
    QTRY_VERIFY_WITH_TIMEOUT(length(0) > 40, 20000);
    application->session().pause();
    click("modeHeads");
    click("measureHeads");
    QTRY_COMPARE_WITH_TIMEOUT(table().model()->rowCount(), heads, 30000);
    QTRY_VERIFY_WITH_TIMEOUT(window().findChild<QWidget*>("measureHeads")->isEnabled(), kPatienceMs);
  }
  QTableView& table() { return *window().findChild<QTableView*>("headTable"); }
  pages::ScoreGrid& grid() { return *window().findChild<pages::ScoreGrid*>("scoreGrid"); }
  QString text(const char* name) { return window().findChild<QLabel*>(name)->text(); }
  QString cell(int row, int column) { return table().model()->index(row, column).data().toString(); }
  /// The row of a head, by what its first cells say.
  int rowOf(const QString& lane, const QString& head) {
    for (int row = 0; row < table().model()->rowCount(); ++row) {
      if (cell(row, 0) == lane && cell(row, 1).section(' ', 0, 0) == head) return row;
    }
    return -1;
  }
  std::string title(int lane) { return store().lane(lane).info().title; }
  QImage gridPicture() { return grid().grab().toImage().convertToFormat(QImage::Format_RGB32); }
  int knownLosses() {
    int count = 0;
    for (int row = 0; row < table().model()->rowCount(); ++row)
      count += cell(row, pages::HeadTable::lossColumn()) != "\u2013" ? 1 : 0;
    return count;
  }
};

double firstNumber(const QString& text) {
  return text.section(' ', 0, 0).replace(u'\u2212', u'-').toDouble();
}

/// Whether all that can be clicked lies whole inside the window, and none on another.
bool isInReach(QWidget& window, const QStringList& names) {
  QList<QRect> places;
  for (const QString& name : names) {
    const auto* widget = window.findChild<QWidget*>(name);
    if (!widget || !widget->isVisible()) return false;
    const QRect place(widget->mapTo(&window, QPoint(0, 0)), widget->size());
    if (!window.rect().contains(place) || widget->width() < widget->minimumSizeHint().width()) return false;
    for (const QRect& other : places) {
      if (other.intersects(place)) return false;
    }
    places << place;
  }
  return true;
}
}  // namespace

/// What a researcher does with heads, in the real window.
class TestHeadsPage : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// The strongest induction head of each lane, found, looked at, measured, taken away and brought back.
  /// Which one it is was found by the program that trained the models (assets/models/README.md).
  void aHeadIsFoundMeasuredAndTakenAway() {
    Page page;
    page.measured({"mha", "mqa"}, 2 * kHeads);
    const QString answer = page.text("headsAnswer");
    QVERIFY2(answer.contains("MHA L4H4") && answer.contains("MQA L3H2"), qPrintable(answer));
    // The table begins with the strongest of all, and falls.
    const int induction = pages::HeadTable::lossColumn() - 1;
    QCOMPARE(page.cell(0, 0) + page.cell(0, 1), QString("MHAL4H4"));
    for (int row = 1; row < 2 * kHeads; ++row)
      QVERIFY(firstNumber(page.cell(row, induction)) <= firstNumber(page.cell(row - 1, induction)));
    QVERIFY2(
        page.text("headsSummary").contains("60 random tokens said twice, mean of 5 draws (seeds from 1)"),
        qPrintable(page.text("headsSummary")));

    // In the picture it is the brightest; a click on it chooses it everywhere.
    const std::size_t head = 4 * 8 + 4;
    const QRect place = page.grid().cellOf({0, head}).toRect();
    const session::Color brightest = session::colorOf(session::ColorMap::Viridis, 1.0);
    QVERIFY(test::countPixels(page.gridPicture().copy(place), brightest) >
            place.width() * place.height() / 2);
    QTest::mouseClick(&page.grid(), Qt::LeftButton, {}, place.center());
    QVERIFY((page.selection().head() == session::HeadAddress{0, 4, 4}));
    QCOMPARE(page.table().currentIndex().row(), 0);
    QVERIFY(page.text("headSentence").contains("not measured yet"));

    // What the model loses without it: the same number in the table and in the sentence.
    page.click("headLoss");
    QTRY_VERIFY_WITH_TIMEOUT(page.text("headSentence").contains("nats per token"), 30000);
    const QString loss = page.cell(0, pages::HeadTable::lossColumn());
    QVERIFY(page.text("headSentence").contains(loss == "none" ? "does not change" : loss));
    QCOMPARE(page.knownLosses(), 1);

    // The lane decodes without it, and says so.
    QTRY_VERIFY_WITH_TIMEOUT(page.window().findChild<QWidget*>("headSwitch")->isEnabled(), kPatienceMs);
    page.click("headSwitch");
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("MHA \u2212L4H4"), kPatienceMs);
    QCOMPARE(page.title(1), std::string("MQA"));
    QTRY_COMPARE_WITH_TIMEOUT(page.cell(0, 1), QString("L4H4 off"), kPatienceMs);
    // Crossed out in the picture: the ground's colour on it.
    const session::Color ground = session::paletteOf(session::Theme::Dark).panel;
    QTRY_VERIFY_WITH_TIMEOUT(
        test::countPixels(page.gridPicture().copy(place.adjusted(3, 3, -3, -3)), ground) > 10, kPatienceMs);
    const auto before = page.store().lane(0).tokens();
    const std::vector<int> text(before.begin(), before.end());
    page.click("headSwitch");
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("MHA"), kPatienceMs);
    QCOMPARE(page.cell(0, 1), QString("L4H4"));
    // Nothing of the text is lost.
    QTRY_VERIFY_WITH_TIMEOUT(page.length(0) >= static_cast<int>(text.size()), kPatienceMs);
    QVERIFY(std::equal(text.begin(), text.end(), page.store().lane(0).tokens().begin()));
  }

  /// A KV head goes with all its readers; the head wall says of which maps the output is gone.
  void aKvHeadTakesItsGroupAway() {
    Page page;
    page.measured({"gqa"}, kHeads);
    QTest::mouseClick(&page.grid(), Qt::LeftButton, {}, page.grid().cellOf({0, 2 * 8 + 1}).toRect().center());
    auto* group = page.window().findChild<QToolButton*>("headSwitchGroup");
    QCOMPARE(group->text(), QString("Take KV0 and its 4 heads away"));
    page.click("headGroupLoss");
    QTRY_VERIFY_WITH_TIMEOUT(
        page.text("headSentence").contains("Without KV0 and its 4 heads the loss changes by"), 30000);
    QCOMPARE(page.knownLosses(), 0);  // of single heads nothing was asked
    // As a bar in the lane's colour, and in words.
    auto* tabs = page.window().findChild<QTabBar*>("headTabs");
    const int shown = tabs->currentIndex();
    for (int tab = 0; tab < tabs->count(); ++tab) {
      if (tabs->tabText(tab) == "What are they worth?") tabs->setCurrentIndex(tab);
    }
    auto* answer = page.window().findChild<QLabel*>("worthAnswer");
    QVERIFY2(answer->text().contains("Of shared KV heads GQA L2KV0 costs most") &&
                 answer->text().contains("GQA: 0 of 48 heads, 1 of 12 KV heads"),
             qPrintable(answer->text()));
    auto* bars = page.window().findChild<QWidget*>("worthBars");
    QTRY_VERIFY(bars->isVisible());
    const session::Color lane = session::paletteOf(session::Theme::Dark).lane(0);
    QVERIFY(test::countPixels(bars->grab().toImage(), lane) > 500);
    QVERIFY2(page.text("headSentence").contains("what it expects next moves by"),
             qPrintable(page.text("headSentence")));
    page.click("copyWorth");
    QCOMPARE(QGuiApplication::clipboard()->text().count('\n'), 2);
    tabs->setCurrentIndex(shown);
    QTRY_VERIFY_WITH_TIMEOUT(group->isEnabled(), kPatienceMs);
    page.click("headSwitchGroup");
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("GQA \u22124 heads"), kPatienceMs);
    for (int head = 0; head < 8; ++head)
      QCOMPARE(page.store().lane(0).info().changeOf({2, head}) != nullptr, head < 4);
    QTRY_COMPARE_WITH_TIMEOUT(group->text(), QString("Bring KV0 and its 4 heads back"), kPatienceMs);
    // From the menu of the head's map: one comes back.
    page.click("headMap");
    QCOMPARE(page.window().page(), 0);
    page.selection().askForHeadMenu({0, 2, 1});
    QMenu* menu = nullptr;
    QTRY_VERIFY_WITH_TIMEOUT((menu = page.window().findChild<QMenu*>("head menu")), kPatienceMs);
    auto* action = menu->findChild<QAction*>("switch head");
    QCOMPARE(action->text(), QString("Bring head L2H1 back"));
    action->trigger();
    menu->close();
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("GQA \u22123 heads"), kPatienceMs);
    // And with the keys, for the head in the inspector.
    QTest::keyClick(&page.window(), Qt::Key_H, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("GQA \u22124 heads"), kPatienceMs);
    QTest::keyClick(&page.window(), Qt::Key_H, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("GQA"), kPatienceMs);
  }

  /// What else a head can give, from the menu of its map and from the page; each says what is so now.
  void aHeadGivesSomethingElse() {
    Page page;
    page.measured({"gqa"}, kHeads);
    QTest::mouseClick(&page.grid(), Qt::LeftButton, {}, page.grid().cellOf({0, 2 * 8 + 1}).toRect().center());
    page.selection().askForHeadMenu({0, 2, 1});
    QMenu* menu = nullptr;
    QTRY_VERIFY_WITH_TIMEOUT((menu = page.window().findChild<QMenu*>("head menu")), kPatienceMs);
    auto* changes = menu->findChild<QMenu*>("change head");
    QCOMPARE(changes->title(), QString("Let head L2H1 give"));
    QVERIFY(changes->findChild<QAction*>("computes")->isChecked());
    changes->findChild<QAction*>("uniform")->trigger();
    menu->close();
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("GQA L2H1=uniform"), kPatienceMs);
    QVERIFY2(page.text("headSentence").contains("In the lane it is frozen to equal weights."),
             qPrintable(page.text("headSentence")));
    // Its mean over what was decoded, which takes reading it once.
    auto* button = page.window().findChild<QToolButton*>("headChange");
    QTRY_VERIFY_WITH_TIMEOUT(button->isEnabled(), kPatienceMs);
    const int read = page.length(0);
    QMenu* offered = button->menu();
    emit offered->aboutToShow();
    QVERIFY(offered->findChild<QAction*>("uniform")->isChecked());
    QVERIFY(!offered->findChild<QAction*>("computes")->isChecked());
    offered->findChild<QAction*>("mean")->trigger();
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("GQA L2H1=mean"), kPatienceMs);
    const model::HeadChange& mean = page.store().lane(0).info().changes.at(0);
    QVERIFY(mean.meanPositions >= read);
    QVERIFY(
        page.text("headSentence").contains("it gives its mean over " + pages::grouped(mean.meanPositions)));
    emit offered->aboutToShow();
    offered->findChild<QAction*>("computes")->trigger();
    QTRY_COMPARE_WITH_TIMEOUT(page.title(0), std::string("GQA"), kPatienceMs);
  }

  /// Every head's loss: what is known stays when it is stopped, and asking again goes on.
  void lossesOfAllHeadsAreStoppedAndGoOn() {
    Page page;
    page.measured({"mqa"}, kHeads);
    page.table().selectRow(0);
    page.click("headLosses");
    QTRY_VERIFY_WITH_TIMEOUT(page.knownLosses() >= 3, 60000);
    QVERIFY(page.window().findChild<QWidget*>("studyProgress")->isVisible());
    QVERIFY(!page.window().findChild<QWidget*>("headSwitch")->isEnabled());
    page.click("cancelStudy");
    QTRY_VERIFY_WITH_TIMEOUT(page.window().findChild<QWidget*>("measureHeads")->isEnabled(), 20000);
    const int known = page.knownLosses();
    QVERIFY(known >= 3 && known < kHeads);
    const QString first = page.cell(page.rowOf("MQA", "L0H0"), pages::HeadTable::lossColumn());
    page.click("headLosses");
    QTRY_VERIFY_WITH_TIMEOUT(page.knownLosses() > known, 60000);
    QCOMPARE(page.cell(page.rowOf("MQA", "L0H0"), pages::HeadTable::lossColumn()), first);
    page.click("cancelStudy");
  }

  /// By what a head is worth: nothing is found before a loss is known, then those of which it is known.
  void headsAreFoundByTheirLoss() {
    Page page;
    page.measured({"mqa"}, kHeads);
    auto* box = page.window().findChild<QComboBox*>("headKinds");
    box->setFocus();
    while (box->currentIndex() < box->count() - 1) QTest::keyClick(box, Qt::Key_Down);
    QCOMPARE(box->currentText(), QString("Find: Loss without it"));
    QVERIFY2(page.text("headsAnswer").contains("No loss is known yet"), qPrintable(page.text("headsAnswer")));
    QCOMPARE(page.table().horizontalHeader()->visualIndex(pages::HeadTable::lossColumn()),
             int{pages::HeadTable::FirstNumber});
    const QRect first = page.grid().cellOf({0, 0}).toRect();
    const session::Color zero = session::colorOf(session::ColorMap::Viridis, 0.0);
    QCOMPARE(test::countPixels(page.gridPicture().copy(first), zero), 0);  // not known is not 0
    // A scale of nothing is none.
    QCOMPARE(test::countPixels(page.gridPicture(), session::colorOf(session::ColorMap::Viridis, 1.0)), 0);

    page.table().selectRow(0);
    page.click("headLosses");
    QTRY_VERIFY_WITH_TIMEOUT(page.knownLosses() >= 4, 60000);
    page.click("cancelStudy");
    QTRY_VERIFY_WITH_TIMEOUT(page.window().findChild<QWidget*>("measureHeads")->isEnabled(), 20000);
    const auto lossOf = [&](int row) {
      const QString text = page.cell(row, pages::HeadTable::lossColumn());
      return text == "none" ? 0.0 : firstNumber(text);
    };
    const int known = page.knownLosses();
    for (int row = 1; row < known; ++row) QVERIFY(lossOf(row) <= lossOf(row - 1));
    for (int row = known; row < kHeads; ++row)
      QCOMPARE(page.cell(row, pages::HeadTable::lossColumn()), QString("\u2013"));
    // The table beside the picture has those that are known.
    const QString file = page.folder.filePath("losses.csv");
    {
      test::Answer save(file);
      page.window().findChild<QAction*>("context table heads")->trigger();
      QVERIFY(!save.title().isEmpty());
    }
    QCOMPARE(test::linesOf(file).size(), 1 + known);
    const QString answer = page.text("headsAnswer");
    QVERIFY2(answer.contains("Strongest: loss without it") && answer.contains("MQA " + page.cell(0, 1)) &&
                 answer.contains(page.cell(0, pages::HeadTable::lossColumn())),
             qPrintable(answer));
  }

  void everythingIsInReachInASmallWindow() {
    Page page;
    page.measured({"mha", "gqa", "mqa"}, 3 * kHeads);
    page.table().selectRow(0);
    const QStringList names{"measureHeads", "headsText",  "repeatedTokens", "headKinds",  "headLanes",
                            "copyHeads",    "saveHeads",  "headMap",        "headSwitch", "headChange",
                            "headLoss",     "headLosses", "headTable",      "headsAnswer"};
    for (const QSize size : {QSize(1440, 900), QSize(1024, 640), QSize(900, 560)}) {
      page.window().resize(size);
      QTRY_VERIFY2(isInReach(page.window(), names), qPrintable(QString("%1").arg(size.width())));
    }
    // What is looked for stands beside the heads' names, with their losses.
    const auto* header = page.table().horizontalHeader();
    QCOMPARE(header->visualIndex(pages::HeadTable::lossColumn() - 1), int{pages::HeadTable::FirstNumber});
    QCOMPARE(header->visualIndex(pages::HeadTable::lossColumn()), pages::HeadTable::FirstNumber + 1);
    // A lane that is closed takes its heads with it.
    page.window().workspace().closeLane(1);
    QTRY_COMPARE_WITH_TIMEOUT(page.table().model()->rowCount(), 2 * kHeads, kPatienceMs);
    QVERIFY(page.rowOf("GQA", "L0H0") < 0);
  }
};

HEADROOM_GUI_TEST_MAIN(TestHeadsPage)
#include "tst_heads_page.moc"
