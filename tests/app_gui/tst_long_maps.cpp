#include <QWheelEvent>
#include <QtTest>
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

session::StepBatch stripedSteps(std::uint64_t run) {
  session::StepBatch batch{.run = run, .steps = {}};
  for (int position = 0; position < kTokens; ++position) {
    std::vector<float> row(static_cast<std::size_t>(position) + 1, kGround);
    row.front() = kSink;
    if (position >= 4) row[static_cast<std::size_t>(position / 4)] = kStripe;
    session::LaneStep step{.promptLength = 1};
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
  return batch;
}

struct Striped : test::GuiFixture {
  Striped() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) {}

  bool open() {
    start();
    application->session().pause();
    if (!drawn() || !QTest::qWaitFor([this] { return store().laneCount() > 0; }, 10000)) return false;
    QTest::qWait(300);  // what the session still says of its own lanes
    const std::uint64_t run = store().run() + 1000;
    store().setLanes(run, {stripedInfo()}, {session::LaneOrigin{}});
    store().append(stripedSteps(run));
    selection().setMapScale(session::MapScale::Linear);
    selection().setHead(session::HeadAddress{.lane = 0, .layer = 0, .queryHead = 0});
    return store().lane(0).length() == kTokens;
  }
  bool isAttention(QRgb pixel, double attention) const {
    const session::Color color = session::colorOf(selectedMap(), attention);
    return std::abs(qRed(pixel) - color.red) <= 6 && std::abs(qGreen(pixel) - color.green) <= 6 &&
           std::abs(qBlue(pixel) - color.blue) <= 6;
  }
  session::ColorMap selectedMap() const { return application->selection().colorMap(); }
  /// The square in which the inspector draws the whole map: what it draws of 0.3 spans it, below the scale.
  QRect plot(const QImage& image) const {
    QRect square;
    for (int y = image.height() / 8; y < image.height(); ++y) {
      for (int x = image.width() * 6 / 10; x < image.width(); ++x) {
        if (isAttention(image.pixel(x, y), kGround)) square |= QRect(x, y, 1, 1);
      }
    }
    return square;
  }
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
    whole.save("/tmp/long.png");
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
      const double cell = std::max(1.0, plot.width() * std::pow(1.3, notches) / kTokens);
      QVERIFY2(std::abs(point.x() - expected) <= 3.0 + 2.0 * cell,
               qPrintable(QString("%1, %2").arg(point.x()).arg(point.y())));
    }
    QCOMPARE(test::validationErrorCount().load(), 0);
  }
};

QTEST_MAIN(TestLongMaps)
#include "tst_long_maps.moc"
