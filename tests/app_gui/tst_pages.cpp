#include <QTextBrowser>
#include <QToolButton>

#include "core/lanes/device_lanes.h"
#include "tests/app_gui/gui_fixture.h"

using namespace headroom;

namespace {
/// The real lanes, so that there are cards with memory on them.
struct Page : test::GuiFixture {
  Page() : GuiFixture(lanes::deviceLanes()) { settings.setPace({5.0}); }
  QString cards() { return window().findChild<QTextBrowser*>("modelCards")->toPlainText(); }
};
}  // namespace

/// The frame around the pages: modes, and what stays when one changes between them.
class TestPages : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void modesAreShownByClickAndKey() {
    Page page;
    page.start({"mha", "mqa"});
    QVERIFY(page.drawn());
    QCOMPARE(page.window().page(), 0);
    QVERIFY(page.window().findChild<QToolButton*>("modeLive")->isChecked());
    page.click("modeModels");
    QCOMPARE(page.window().page(), 1);
    QTRY_VERIFY2(page.cards().contains("MQA: 8 query heads, 1 KV heads"), qPrintable(page.cards()));
    QVERIFY(!page.window().findChild<QWidget*>("live")->isVisible());
    // Lanes decode on behind it, and the live view draws what came in the meantime.
    const int before = page.length(0);
    QTRY_VERIFY(page.length(0) > before + 2);
    QTest::keyClick(&page.window(), Qt::Key_1, Qt::AltModifier);
    QCOMPARE(page.window().page(), 0);
    QVERIFY(page.window().findChild<QToolButton*>("modeLive")->isChecked());
    QTRY_VERIFY(page.window().findChild<QWidget*>("live")->isVisible());
    const std::uint64_t frames = page.live().frameCount();
    QTRY_VERIFY(page.live().frameCount() > frames + 1);
    const session::Palette& dark = session::paletteOf(session::Theme::Dark);
    QVERIFY(test::countPixels(page.picture(), dark.panel) > 10000);
    QVERIFY(test::countPixels(page.picture(), dark.lanes[1], test::kRightLane) > 100);
  }

  /// Two lanes of one file: its weights are counted with the first.
  void cardsCountSharedWeightsOnce() {
    Page page;
    page.start({"mqa"});
    QVERIFY(page.drawn());
    QTRY_VERIFY(page.length(0) > 8);
    page.window().workspace().compareKernels(0);
    QTRY_COMPARE(page.store().laneCount(), 2);
    QTest::keyClick(&page.window(), Qt::Key_2, Qt::AltModifier);
    QTRY_VERIFY2(page.cards().contains("the weights are MQA's and count there"), qPrintable(page.cards()));
    QCOMPARE(page.cards().count("weights as F16"), 1);
    const analysis::MemoryOutlook& first = *page.store().lane(0).info().card.memory;
    const analysis::MemoryOutlook& second = *page.store().lane(1).info().card.memory;
    QCOMPARE(first.needed(), first.need.weights + first.need.cache + first.need.working);
    QCOMPARE(second.needed(), second.need.cache + second.need.working);
    QCOMPARE(second.need.weights, first.need.weights);
    // With the first lane gone the weights are the other one's own.
    page.window().workspace().closeLane(0);
    QTRY_COMPARE(page.store().laneCount(), 1);
    QTRY_VERIFY(page.cards().contains("weights as F16"));
    QVERIFY(!page.cards().contains("count there"));
  }
};

HEADROOM_GUI_TEST_MAIN(TestPages)
#include "tst_pages.moc"
