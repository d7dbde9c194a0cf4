#include <QTest>
#include <QWheelEvent>
#include <cmath>

#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;

namespace {

constexpr int kTokens = 3000;
constexpr float kGround = 0.3f;
constexpr float kStripe = 0.9f;
constexpr float kSink = 1.0f;

/// A lane of one head that attends 0.9 to a quarter of its own position, 1 to token 0 and 0.3 to all others.
session::LaneInfo stripedInfo() {
  session::LaneInfo info;
  info.title = "striped";
  info.request.source = "striped";
  info.config.layerCount = 1;
  info.config.modelDim = 8;
  info.config.vocabSize = 4;
  info.config.contextLength = 4096;
  info.config.attention = {1, 1, 8};
  info.contextLength = 4096;
  return info;
}

void addSteps(session::StepBatch& batch, int lane, int count) {
  for (int position = 0; position < count; ++position) {
    std::vector<float> row(static_cast<std::size_t>(position) + 1, kGround);
    row.front() = kSink;
    if (position >= 4) row[static_cast<std::size_t>(position / 4)] = kStripe;
    session::LaneStep step{.lane = lane, .promptLength = 1};
    step.record.tokens = {1};
    step.record.position = position;
    step.record.attention = {.layers = {0},
                             .queryHeads = {0},
                             .rowCount = 1,
                             .firstPosition = position,
                             .rowStride = position + 1,
                             .values = std::move(row)};
    batch.steps.push_back(std::move(step));
  }
}

struct Striped : test::GuiFixture {
  Striped() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) {}

  /// Lanes of so many tokens each.
  bool open(const std::vector<int>& tokens = {kTokens}) {
    start();
    application->session().pause();
    if (!drawn() || !QTest::qWaitFor([this] { return store().laneCount() > 0; }, 10000)) return false;
    QTest::qWait(300);  // what the session still says of its own lanes
    const std::uint64_t run = store().run() + 1000;
    store().setLanes(run, std::vector(tokens.size(), stripedInfo()),
                     std::vector(tokens.size(), session::LaneOrigin{}));
    session::StepBatch batch{.run = run, .steps = {}};
    for (std::size_t lane = 0; lane < tokens.size(); ++lane)
      addSteps(batch, static_cast<int>(lane), tokens[lane]);
    store().append(std::move(batch));
    selection().setMapScale(session::MapScale::Linear);
    if (tokens.size() == 1) selection().setHead(session::HeadAddress{.lane = 0, .layer = 0, .queryHead = 0});
    return store().lane(0).length() == tokens.front();
  }
  bool isAttention(QRgb pixel, double attention) const {
    const session::Color color = session::colorOf(selectedMap(), attention);
    return std::abs(qRed(pixel) - color.red) <= 6 && std::abs(qGreen(pixel) - color.green) <= 6 &&
           std::abs(qBlue(pixel) - color.blue) <= 6;
  }
  session::ColorMap selectedMap() const { return application->selection().colorMap(); }
  /// What is drawn of 0.3 in a part of the picture, as fractions of it.
  QRect attentionIn(const QImage& image, QRectF part) const {
    QRect square;
    for (int y = static_cast<int>(part.top() * image.height()); y < part.bottom() * image.height(); ++y) {
      for (int x = static_cast<int>(part.left() * image.width()); x < part.right() * image.width(); ++x) {
        if (isAttention(image.pixel(x, y), kGround)) square |= QRect(x, y, 1, 1);
      }
    }
    return square;
  }
  /// The square in which the inspector draws the whole map: what it draws of 0.3 spans it, below its own
  /// scale and above the legend's.
  QRect plot(const QImage& image) const { return attentionIn(image, {0.6, 0.3, 0.4, 0.6}); }
  void zoomIn(QPoint at, int notches) {
    moveMouse(at);
    for (int notch = 0; notch < notches; ++notch) {
      QWheelEvent wheel(at, live().mapToGlobal(at), {}, {0, 120}, Qt::NoButton, Qt::NoModifier,
                        Qt::NoScrollPhase, false);
      QApplication::sendEvent(&live(), &wheel);
      settle();
    }
    // The mouse's own tip would cover what is looked at.
    moveMouse({5, 5});
  }
};

}  // namespace

/// Maps of thousands of tokens show what was recorded at every zoom.
class TestLongMaps : public QObject {
  Q_OBJECT

 private slots:
  void farBelowTheDiagonal_data() {
    QTest::addColumn<int>("notches");
    for (const int notches : {4, 6, 9}) QTest::addRow("%d notches", notches) << notches;
  }
  void farBelowTheDiagonal() {
    QFETCH(int, notches);
    Striped fixture;
    QVERIFY(fixture.open());
    const QImage whole = fixture.picture();
    const QRect plot = fixture.plot(whole);
    QVERIFY2(plot.width() > 250 && std::abs(plot.width() - plot.height()) < 8,
             qPrintable(QString("%1 x %2").arg(plot.width()).arg(plot.height())));
    // A token of the stripe: row 2906, column 726.
    const QPoint at(plot.left() + plot.width() * 726 / kTokens, plot.top() + plot.height() * 2906 / kTokens);
    fixture.zoomIn(at, notches);
    const QImage zoomed = fixture.picture();
    // All of it is attention now: stripe or 0.3, and the lines around it.
    int others = 0;
    std::vector<QPoint> stripe;
    for (int y = plot.top() + 8; y < plot.bottom() - 8; ++y) {
      for (int x = plot.left() + 8; x < plot.right() - 8; ++x) {
        const QRgb pixel = zoomed.pixel(x, y);
        if (fixture.isAttention(pixel, kStripe)) {
          stripe.emplace_back(x, y);
        } else if (!fixture.isAttention(pixel, kGround)) {
          ++others;
        }
      }
    }
    const int area = plot.width() * plot.height();
    QVERIFY2(others < area / 50, qPrintable(QString("%1 of %2 pixels").arg(others).arg(area)));
    // It runs from top to bottom through the point, a column for four rows.
    QVERIFY2(std::ssize(stripe) > plot.height() / 2, qPrintable(QString::number(stripe.size())));
    for (const QPoint& point : stripe) {
      const double expected = at.x() + (point.y() - at.y()) / 4.0;
      // The point itself is half a pixel of the whole map off at most, across and, as a quarter, down.
      const double zoom = std::pow(1.2, notches);
      const double cell = std::max(1.0, plot.width() * zoom / kTokens);
      QVERIFY2(std::abs(point.x() - expected) <= 1.0 + 0.625 * zoom + 2.0 * cell,
               qPrintable(QString("%1, %2, expected %3 around %4, %5")
                              .arg(point.x())
                              .arg(point.y())
                              .arg(expected)
                              .arg(at.x())
                              .arg(at.y())));
    }
    QCOMPARE(test::validationErrorCount().load(), 0);
  }

  /// As while lanes are filled one block after the other: what a lane has not read yet is not drawn of it.
  /// All maps have the scale of the longest text.
  void aLaneThatLagsBehind_data() {
    QTest::addColumn<int>("tokens");
    // Those whose map is full, so that nothing is left of its grid, and others.
    for (const int tokens : {64, 128, 200, 256, 512}) QTest::addRow("%d tokens", tokens) << tokens;
  }
  void aLaneThatLagsBehind() {
    QFETCH(int, tokens);
    Striped fixture;
    QVERIFY(fixture.open({2048, tokens}));
    const QImage image = fixture.picture();
    const QRect whole = fixture.attentionIn(image, {0.0, 0.1, 0.5, 0.6});
    const QRect lagging = fixture.attentionIn(image, {0.5, 0.1, 0.5, 0.6});
    QVERIFY2(whole.width() > 100, qPrintable(QString::number(whole.width())));
    const double expected = static_cast<double>(tokens) / 2048.0;
    const double across = static_cast<double>(lagging.width()) / whole.width();
    const double down = static_cast<double>(lagging.height()) / whole.height();
    QVERIFY2(std::abs(across - expected) < 0.03 && std::abs(down - expected) < 0.03,
             qPrintable(QString("%1 across, %2 down, expected %3").arg(across).arg(down).arg(expected)));
  }
};

QTEST_MAIN(TestLongMaps)
#include "tst_long_maps.moc"
