#include <QClipboard>
#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QScrollBar>
#include <QTabBar>
#include <QTableWidget>
#include <QToolButton>

#include <algorithm>
#include <cmath>

#include "app/pages/texts.h"
#include "app/session/inside_board.h"
#include "core/lanes/device_lanes.h"
#include "tests/app_gui/gui_fixture.h"

using namespace headroom;

namespace {
/// A machine that compiles beside, and kernels that Mesa compiles first.
constexpr int kPatienceMs = 30000;
/// Of a bundled model: six layers of eight query heads.
constexpr int kLayers = 6;
constexpr int kHeads = 8;
constexpr const char* kLensTab = "Layer by layer";
constexpr const char* kAttributionTab = "What adds to a token";
constexpr const char* kPatchTab = "Patching";

/// The bundled MQA model on the real device, which has decoded some text.
struct Page : test::GuiFixture {
  Page() : GuiFixture(lanes::deviceLanes()) { settings.setPace({200.0}); }

  void decoded() {
    start({"mqa"});
    QVERIFY(drawn());
    QTRY_VERIFY_WITH_TIMEOUT(length(0) > 40, kPatienceMs);
    application->session().pause();
    click("modeHeads");
    QTRY_VERIFY_WITH_TIMEOUT(!application->session().state().playing, kPatienceMs);
    QTest::qWait(100);  // steps that are on their way
  }
  /// A real click on a tab.
  void show(const char* title) {
    auto* tabs = window().findChild<QTabBar*>("headTabs");
    int tab = 0;
    while (tab < tabs->count() && tabs->tabText(tab) != title) ++tab;
    QTest::mouseClick(tabs, Qt::LeftButton, {}, tabs->tabRect(tab).center());
    QCOMPARE(tabs->currentIndex(), tab);
  }
  QTableWidget& table(const char* name) { return *window().findChild<QTableWidget*>(name); }
  QString text(const char* name) { return window().findChild<QLabel*>(name)->text(); }
  void type(const char* name, const QString& typed) {
    auto* box = window().findChild<QComboBox*>(name);
    QLineEdit* field = box ? box->lineEdit() : window().findChild<QLineEdit*>(name);
    field->setFocus();
    QTest::keyClicks(field, typed);
  }
  bool isEnabled(const char* name) { return window().findChild<QWidget*>(name)->isEnabled(); }
  /// Where a cell is in the picture of its table, which scrolls there.
  QRect placeOf(QTableWidget& of, int row, int column) {
    of.scrollToItem(of.item(row, column));
    return of.visualItemRect(of.item(row, column));
  }
  QImage pictureOf(QTableWidget& of) {
    return of.viewport()->grab().toImage().convertToFormat(QImage::Format_RGB32);
  }
};

double numberIn(QString text) {
  return text.replace(u'\u2212', u'-').remove(u',').toDouble();
}
}  // namespace

/// What goes on inside a model, in the real window.
class TestInsideHeads : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// Layers are read off, and a click on a column is where the whole application looks.
  void layerByLayer() {
    Page page;
    page.decoded();
    page.show(kLensTab);
    QVERIFY(page.window().findChild<QLabel*>("lensIntroduction")->isVisible());
    QVERIFY(!page.isEnabled("lensCopy"));
    page.click("readLens");
    QTableWidget& grid = page.table("lensGrid");
    QTRY_VERIFY_WITH_TIMEOUT(grid.isVisible() && grid.rowCount() == kLayers + 1, kPatienceMs);
    const int length = page.length(0);
    const int columns = std::min(length, session::LensStudy::kMostPositions);
    QCOMPARE(grid.columnCount(), columns);
    const auto columnOf = [&](int position) { return position - (length - columns); };
    // After the last layer the model says what the lane's own record has.
    const session::LaneTrace& lane = page.store().lane(0);
    for (const int position : {length - 1, length - 5}) {
      const int likely = lane.stepAt(position).candidates.front().token;
      QCOMPARE(grid.item(kLayers, columnOf(position))->text(),
               pages::toQt(text::tokenLabel(lane.text(likely))));
    }
    QVERIFY(page.text("headsAnswer")
                .contains(QString("positions %1 to %2").arg(length - columns).arg(length - 1)));

    const int position = length - 5;
    const QRect place = page.placeOf(grid, kLayers, columnOf(position));
    QTest::mouseClick(grid.viewport(), Qt::LeftButton, {}, place.center());
    QCOMPARE(page.selection().position().value_or(-1), position);
    QVERIFY(page.text("lensChosen").contains(QString("Behind position %1").arg(position)));
    QVERIFY(page.text("lensChosen").contains("came next"));
    // The ground says the probability that the table below does, in the colours of all maps.
    QTableWidget& detail = page.table("lensDetail");
    QCOMPARE(detail.rowCount(), kLayers + 1);
    const double probability = numberIn(detail.item(kLayers, 4)->text().section(' ', -1));
    QVERIFY(std::abs(probability -
                     static_cast<double>(lane.stepAt(position).candidates.front().probability)) < 0.002);
    const session::Color ground = session::colorOf(session::ColorMap::Viridis, probability);
    QVERIFY(test::countPixels(page.pictureOf(grid).copy(place), ground) > place.width() * place.height() / 3);
    // The rank of the token that came next, as the lane's record has it.
    const auto& candidates = lane.stepAt(position).candidates;
    const auto next = std::ranges::find(candidates, lane.tokens()[static_cast<std::size_t>(position + 1)],
                                        &model::Candidate::token);
    if (next != candidates.end())
      QCOMPARE(detail.item(kLayers, 1)->text(), QString::number(next - candidates.begin() + 1));
    // What the timeline looks back at is the column looked at.
    page.selection().setPosition(length - 3);
    QCOMPARE(grid.currentColumn(), columnOf(length - 3));
    page.click("lensCopy");
    QVERIFY(QGuiApplication::clipboard()->text().startsWith("lane,position,token,"));

    // Another text: its positions are not those of the lane any more, and it is said.
    page.application->session().setPrompt("Lily was");
    page.application->session().restart();
    QTRY_VERIFY_WITH_TIMEOUT(page.text("headsAnswer").contains("read again"), kPatienceMs);
  }

  /// Parts add up to what is said, and a click on a head chooses it everywhere.
  void whatAddsToAToken() {
    Page page;
    page.decoded();
    page.show(kAttributionTab);
    const int position = page.length(0) - 5;
    page.selection().setPosition(position);
    page.click("findAttribution");
    QTableWidget& table = page.table("attributionTable");
    QTRY_VERIFY_WITH_TIMEOUT(table.isVisible() && table.rowCount() > 0, kPatienceMs);
    // Embedding, heads, a feed-forward network for each layer: the bundled models have no biases.
    QCOMPARE(table.rowCount(), 1 + kLayers * kHeads + kLayers);
    const session::LaneTrace& lane = page.store().lane(0);
    const QString next = pages::toQt(lane.labelAt(position + 1));
    const QString total = page.text("attributionTotal");
    QVERIFY2(total.startsWith(QString("The logit of \u201c%1\u201d is ").arg(next)), qPrintable(total));
    double sum = 0.0;
    for (int row = 0; row < table.rowCount(); ++row) {
      sum += numberIn(table.item(row, 2)->text());
      if (row > 0)
        QVERIFY(std::abs(numberIn(table.item(row, 2)->text())) <=
                std::abs(numberIn(table.item(row - 1, 2)->text())));
    }
    // Four decimals of 55 numbers.
    QVERIFY(std::abs(sum - numberIn(total.section(" is ", 1).section(':', 0, 0))) < 55 * 0.00005 + 0.00005);
    // The largest bar fills its side, and leaves the other empty.
    const bool adds = numberIn(table.item(0, 2)->text()) > 0.0;
    const session::Color color = session::colorOf(session::ColorMap::Diverging, adds ? 0.85 : 0.15);
    const QImage picture = page.pictureOf(table);  // with its scroll bar
    const QRect bar = page.placeOf(table, 0, 3);
    const QRect left(bar.left(), bar.top(), bar.width() / 2 - 2, bar.height());
    const QRect right(bar.center().x() + 3, bar.top(), bar.width() / 2 - 4, bar.height());
    QVERIFY(test::countPixels(picture.copy(adds ? right : left), color) > bar.width() * bar.height() / 5);
    QCOMPARE(test::countPixels(picture.copy(adds ? left : right), color), 0);

    int row = 0;
    while (!table.item(row, 0)->text().contains('H')) ++row;
    QTest::mouseClick(table.viewport(), Qt::LeftButton, {}, page.placeOf(table, row, 0).center());
    QVERIFY(page.selection().head());
    const session::HeadAddress head = *page.selection().head();
    QCOMPARE(table.item(row, 0)->text(), QString("L%1H%2").arg(head.layer).arg(head.queryHead));
    QCOMPARE(table.item(row, 1)->text(), QString("KV0"));

    // Less another's, typed with the space that begins it.
    page.type("attributionOther", " the");
    QTRY_VERIFY_WITH_TIMEOUT(page.isEnabled("findAttribution"), kPatienceMs);
    page.click("findAttribution");
    QTRY_VERIFY_WITH_TIMEOUT(
        page.text("attributionTotal")
            .startsWith(
                QString("The logit of \u201c%1\u201d less that of \u201c\u00b7the\u201d is ").arg(next)),
        kPatienceMs);
    page.click("attributionCopy");
    QCOMPARE(QGuiApplication::clipboard()->text().count('\n'), 1 + table.rowCount());
  }

  /// A name that is said again: copies of what stands behind the last layer restore all of it.
  void patching() {
    Page page;
    page.decoded();
    page.show(kPatchTab);
    QVERIFY(!page.isEnabled("findPatches"));
    QVERIFY(page.text("patchMemory").contains("of memory"));
    page.type("patchClean", "Tom had a dog. The dog");
    page.type("patchCorrupt", "Tom had a cat. The cat");
    page.type("patchAnswer", " was");
    page.type("patchOtherAnswer", " ran");
    QVERIFY(page.isEnabled("findPatches"));
    page.click("findPatches");
    QTableWidget& map = page.table("patchMap");
    QTRY_VERIFY_WITH_TIMEOUT(map.isVisible() && map.rowCount() == kLayers, kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(page.isEnabled("findPatches"), kPatienceMs);
    QCOMPARE(map.columnCount(), kHeads);
    QVERIFY(
        page.text("patchDifferences").contains("\u201c\u00b7was\u201d less that of \u201c\u00b7ran\u201d"));
    QTest::mouseClick(map.viewport(), Qt::LeftButton, {}, page.placeOf(map, 2, 3).center());
    QVERIFY((page.selection().head() == session::HeadAddress{0, 2, 3}));
    // The largest effect has the end of the colours on its side.
    int row = 0, column = 0;
    for (int index = 0; index < kLayers * kHeads; ++index) {
      const double effect = numberIn(map.item(index / kHeads, index % kHeads)->text());
      if (std::abs(effect) <= std::abs(numberIn(map.item(row, column)->text()))) continue;
      row = index / kHeads;
      column = index % kHeads;
    }
    const bool adds = numberIn(map.item(row, column)->text()) > 0.0;
    const QRect place = page.placeOf(map, row, column);
    QVERIFY(test::countPixels(page.pictureOf(map).copy(place),
                              session::colorOf(session::ColorMap::Diverging, adds ? 1.0 : 0.0)) >
            place.width() * place.height() / 3);

    auto* what = page.window().findChild<QComboBox*>("patchPlace");
    what->setFocus();
    QTest::keyClick(what, Qt::Key_Down);
    page.click("findPatches");
    QTRY_COMPARE_WITH_TIMEOUT(map.rowCount(), kLayers + 1, kPatienceMs);
    const int last = map.columnCount() - 1;
    const QString restored = page.text("patchDifferences").section("0 nothing, ", 1).section(' ', 0, 0);
    QVERIFY(std::abs(numberIn(map.item(kLayers, last)->text()) - numberIn(restored)) < 0.0006);
    QVERIFY(map.horizontalHeaderItem(last)->text().contains("\u2192"));
    // Behind the same tokens there is the same: no sign for what rounds to nothing.
    QCOMPARE(map.item(0, 0)->text(), QString("0.000"));
    page.click("patchCopy");
    QCOMPARE(QGuiApplication::clipboard()->text().count('\n'), 1 + map.rowCount() * map.columnCount());
  }

  /// Everything that can be clicked is in sight, in a narrow window too.
  void fitsNarrowWindows() {
    Page page;
    page.decoded();
    page.window().resize(1024, 640);
    QTRY_COMPARE(page.window().width(), 1024);
    const std::pair<const char*, QStringList> tabs[] = {
        {kLensTab, {"readLens", "lensLane", "lensCopy", "lensSave"}},
        {kAttributionTab, {"findAttribution", "attributionLane", "attributionOther", "attributionCopy"}},
        {kPatchTab, {"findPatches", "patchLane", "patchPlace", "patchClean", "patchOtherAnswer"}}};
    for (const auto& [tab, names] : tabs) {
      page.show(tab);
      QRect before;
      for (const QString& name : names) {
        const auto* widget = page.window().findChild<QWidget*>(name);
        QVERIFY2(widget && widget->isVisible(), qPrintable(name));
        const QRect place(widget->mapTo(&page.window(), QPoint(0, 0)), widget->size());
        QVERIFY2(page.window().rect().contains(place), qPrintable(name));
        QVERIFY2(!before.intersects(place), qPrintable(name));
        before = place;
      }
    }
  }
};

HEADROOM_GUI_TEST_MAIN(TestInsideHeads)
#include "tst_inside_heads.moc"
