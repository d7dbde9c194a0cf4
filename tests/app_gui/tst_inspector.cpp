// What the inspector offers to somebody who compares heads: any head beside another, their difference, lines
// between tokens, the whole view, pins, and tokens that are sought.
#include <QLabel>
#include <QLineEdit>
#include <cmath>

#include "core/model/head_change.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;
using Form = session::InspectorLook::Form;

namespace {

constexpr int kTokens = 24;
/// What head 0 gives to every token, and head 1; head 2 looks at the token before alone.
constexpr float kLess = 0.25f;
constexpr float kMore = 0.75f;

session::LaneInfo laneInfo(const char* title, int colorIndex) {
  session::LaneInfo info;
  info.title = title;
  info.request.source = title;
  info.request.colorIndex = colorIndex;
  info.config.layerCount = 1;
  info.config.modelDim = 12;
  info.config.vocabSize = 4;
  info.config.contextLength = 64;
  info.config.attention = {3, 3, 4};
  info.contextLength = 64;
  info.pieces = {"the", "Cat", "sat", "."};
  return info;
}

void addSteps(session::StepBatch& batch, int lane, int firstToken) {
  for (int position = 0; position < kTokens; ++position) {
    const auto columns = static_cast<std::size_t>(position) + 1;
    std::vector<float> values(columns, kLess);
    values.resize(2 * columns, kMore);
    values.resize(3 * columns, 0.0f);
    values[2 * columns + static_cast<std::size_t>(std::max(position - 1, 0))] = 1.0f;
    session::LaneStep step{.lane = lane, .promptLength = 1};
    step.record.tokens = {position == 0 ? firstToken : position % 4};
    step.record.position = position;
    step.record.attention = {.layers = {0},
                             .queryHeads = {0, 1, 2},
                             .rowCount = 1,
                             .firstPosition = position,
                             .rowStride = position + 1,
                             .values = std::move(values)};
    batch.steps.push_back(std::move(step));
  }
}

struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) {}

  /// Two lanes of three heads, paused; their texts begin with these tokens.
  bool open(int first = 0, int other = 0) {
    start();
    application->session().pause();
    if (!drawn() || !QTest::qWaitFor([this] { return store().laneCount() > 0; }, 10000)) return false;
    QTest::qWait(300);  // what the session still says of its own lanes
    const std::uint64_t run = store().run() + 1000;
    store().setLanes(run, {laneInfo("one", 0), laneInfo("two", 1)}, std::vector(2, session::LaneOrigin{}));
    session::StepBatch batch{.run = run, .steps = {}};
    addSteps(batch, 0, first);
    addSteps(batch, 1, other);
    store().append(std::move(batch));
    window().messages().dismiss();
    selection().setMapScale(session::MapScale::Linear);
    selection().setHead(session::HeadAddress{0, 0, 0});
    moveMouse({5, 5});
    return store().lane(1).length() == kTokens;
  }
  void look(const session::InspectorLook& look) {
    selection().setLook(look);
    settle();
  }
  /// Pixels of a value of a map in the inspector, in the colours of attention or of differences.
  int ofAttention(double value, QRectF part = kInspector) {
    return test::countPixels(picture(), session::colorOf(selection().colorMap(), value), part, 3);
  }
  int ofDifference(double value, QRectF part = kInspector) {
    return test::countPixels(picture(), session::colorOf(session::ColorMap::Diverging, 0.5 + 0.5 * value),
                             part, 3);
  }
  /// Below its controls and their legend.
  static constexpr QRectF kInspector{0.6, 0.4, 0.4, 0.35};
  static constexpr QRectF kWalls{0.0, 0.3, 0.55, 0.5};
};

}  // namespace

class TestInspector : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// The same head of the next lane, any head of any lane, or none.
  void anyHeadStandsBeside() {
    Page page;
    QVERIFY(page.open());
    QCOMPARE(page.selection().headBeside(page.store()), std::optional(session::HeadAddress{1, 0, 0}));
    const int both = page.ofAttention(kLess);
    QVERIFY(both > 1000);
    QCOMPARE(page.ofAttention(kMore), 0);
    page.look({.beside = session::HeadAddress{0, 0, 1}});
    const int left = page.ofAttention(kLess);
    const int right = page.ofAttention(kMore);
    QVERIFY2(left > both / 3 && left < both * 2 / 3 && right > both / 3,
             qPrintable(QString("%1 %2").arg(left).arg(right)));
    page.look({.isAlone = true});
    QVERIFY(!page.selection().headBeside(page.store()));
    QCOMPARE(page.ofAttention(kMore), 0);
    QVERIFY(page.ofAttention(kLess) > left);
    // With Shift a click on a map puts its head beside; without, it is inspected.
    const QImage image = page.picture();
    const session::Color color = session::colorOf(page.selection().colorMap(), kMore);
    QPoint map;
    for (int x = 0; x < image.width() / 4 && map.isNull(); ++x) {
      for (int y = image.height() / 3; y < image.height() * 3 / 4 && map.isNull(); ++y) {
        const QRgb pixel = image.pixel(x, y);
        if (std::abs(qRed(pixel) - color.red) < 3 && std::abs(qGreen(pixel) - color.green) < 3 &&
            std::abs(qBlue(pixel) - color.blue) < 3)
          map = QPoint(x + 2, y + 2);
      }
    }
    QVERIFY(!map.isNull());
    page.moveMouse(map);
    QTest::mouseClick(&page.live(), Qt::LeftButton, Qt::ShiftModifier, map);
    QTRY_COMPARE(page.selection().look().beside, std::optional(session::HeadAddress{0, 0, 1}));
    QVERIFY((page.selection().head() == session::HeadAddress{0, 0, 0}));
    QTest::mouseClick(&page.live(), Qt::LeftButton, {}, map);
    QTRY_VERIFY((page.selection().head() == session::HeadAddress{0, 0, 1}));
  }

  /// What a head gives more is red, what it gives less blue, in the shade of their difference.
  void theDifferenceHasItsSign() {
    Page page;
    QVERIFY(page.open());
    page.look({.form = Form::Difference, .beside = session::HeadAddress{0, 0, 1}});
    QVERIFY2(page.ofDifference(kLess - kMore) > 2000,
             qPrintable(QString::number(page.ofDifference(kLess - kMore))));
    QCOMPARE(page.ofDifference(kMore - kLess), 0);
    page.selection().setHead(session::HeadAddress{0, 0, 1});
    page.look({.form = Form::Difference, .beside = session::HeadAddress{1, 0, 0}});
    QVERIFY(page.ofDifference(kMore - kLess) > 2000);
    QCOMPARE(page.ofDifference(kLess - kMore), 0);
    // A head less its like is nothing: the middle of the colours.
    page.look({.form = Form::Difference});
    QVERIFY(page.ofDifference(0.0) > 2000);
    // Keys go round the forms.
    for (const Form form : {Form::Lines, Form::Maps, Form::Difference}) {
      QTest::keyClick(&page.window(), Qt::Key_D);
      QCOMPARE(page.selection().look().form, form);
    }
  }

  /// Positions of other texts are not the same tokens: there is no difference to show.
  void noDifferenceOfOtherTexts() {
    Page page;
    QVERIFY(page.open(0, 1));
    page.look({.form = Form::Difference});
    QCOMPARE(page.ofDifference(0.0), 0);
    // Heads of one lane always have one text.
    page.look({.form = Form::Difference, .beside = session::HeadAddress{0, 0, 0}});
    QVERIFY(page.ofDifference(0.0) > 2000);
  }

  /// Lines in the lane's colour; under the mouse those of one token alone, with their figures.
  void linesBetweenTokens() {
    Page page;
    QVERIFY(page.open());
    page.selection().setHead(session::HeadAddress{0, 0, 2});
    page.selection().setPosition(12);  // in the middle of the view
    page.look({.form = Form::Lines, .isAlone = true});
    const session::Color ink = page.live().appearance().palette().lane(0);
    // One token looks at the one before with all it has: of the token looked at the line has the full colour.
    const int whole = test::countPixels(page.picture(), ink, Page::kInspector, 12);
    QVERIFY2(whole > 100, qPrintable(QString::number(whole)));
    // Attention to all alike makes as many lines as tokens, none of the full colour.
    page.selection().setHead(session::HeadAddress{0, 0, 0});
    page.settle();
    QVERIFY(test::countPixels(page.picture(), ink, Page::kInspector, 12) < whole / 2);
    QVERIFY(test::difference(page.picture(), page.picture()) == 0.0);
    const QImage before = page.picture();
    // In the left column: the tokens that look.
    page.moveMouse(
        {static_cast<int>(before.width() / before.devicePixelRatio() * 0.66), page.live().height() / 2});
    QVERIFY(test::difference(before, page.picture()) > 0.001);
  }

  void theInspectorFillsTheView() {
    Page page;
    QVERIFY(page.open());
    page.look({.isAlone = true});
    QVERIFY(page.ofAttention(kMore, Page::kWalls) > 100);
    const int small = page.ofAttention(kLess, {0, 0, 1, 1});
    QTest::keyClick(&page.window(), Qt::Key_F);
    page.settle();
    // Head 1 is on the walls alone.
    QCOMPARE(page.ofAttention(kMore, Page::kWalls), 0);
    QVERIFY(page.ofAttention(kLess, {0, 0, 1, 1}) > small);
    QTest::keyClick(&page.window(), Qt::Key_Escape);
    page.settle();
    QVERIFY(page.selection().head().has_value());
    QVERIFY(page.ofAttention(kMore, Page::kWalls) > 100);
    QTest::keyClick(&page.window(), Qt::Key_Escape);
    QTRY_VERIFY(!page.selection().head());
    // It opens where it was closed, too.
    QTest::keyClick(&page.window(), Qt::Key_F);
    QTRY_VERIFY(page.selection().head() && page.selection().look().fillsView);
  }

  void rowsArePinned() {
    Page page;
    QVERIFY(page.open());
    const QImage before = page.picture();
    page.selection().setPosition(5);
    QTest::keyClick(&page.window(), Qt::Key_P);
    QCOMPARE(page.selection().pins(), std::vector<int>{5});
    page.selection().setPosition(std::nullopt);
    page.settle();
    QVERIFY(test::difference(before, page.picture()) > 0.0);
    for (const int position : {7, 9, 11, 13}) page.selection().togglePin(position);
    QCOMPARE(page.selection().pins(), (std::vector<int>{7, 9, 11, 13}));
    for (const int position : {7, 9, 11, 13}) page.selection().togglePin(position);
    page.settle();
    QCOMPARE(test::difference(before, page.picture()), 0.0);
  }

  void tokensAreFound() {
    Page page;
    QVERIFY(page.open());
    const QImage before = page.picture();
    QTest::keyClick(&page.window(), Qt::Key_Slash);
    auto* bar = page.window().findChild<QWidget*>("findBar");
    QTRY_VERIFY(bar->isVisible());
    auto* field = page.window().findChild<QLineEdit*>("soughtText");
    QTRY_VERIFY(field->hasFocus());
    QTest::keyClicks(field, "cA");
    const auto count = [&] { return page.window().findChild<QLabel*>("soughtCount")->text(); };
    // Every fourth of 24 tokens.
    QCOMPARE(count(), QString("6 in one"));
    QTest::keyClick(field, Qt::Key_Return);
    QCOMPARE(page.selection().position(), std::optional(1));
    QCOMPARE(count(), QString("1 of 6 in one"));
    QTest::keyClick(field, Qt::Key_Return);
    QCOMPARE(page.selection().position(), std::optional(5));
    QTest::keyClick(field, Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClick(field, Qt::Key_Return, Qt::ShiftModifier);
    QCOMPARE(page.selection().position(), std::optional(21));
    page.selection().setPosition(std::nullopt);
    QTest::keyClicks(field, "x");
    QCOMPARE(count(), QString("none in one"));
    page.click("soughtNext");
    QVERIFY(!page.selection().position());
    QTest::keyClick(field, Qt::Key_Escape);
    QTRY_VERIFY(!bar->isVisible());
    QVERIFY(page.selection().head().has_value());  // what lies on top goes first
    QVERIFY(page.selection().sought().empty());
    QTRY_COMPARE(test::difference(before, page.picture()), 0.0);
  }
};

HEADROOM_GUI_TEST_MAIN(TestInspector)
#include "tst_inspector.moc"
