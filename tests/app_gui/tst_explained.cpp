#include <QAction>
#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QTextBrowser>
#include <QTimer>
#include <QToolButton>

#include "app/pages/charts/roofline_chart.h"
#include "app/pages/charts/speed_chart.h"
#include "app/pages/charts/stage_chart.h"
#include "app/pages/live/weights_view.h"
#include "core/analysis/step_parts.h"
#include "core/model/quantity.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;
using test::countPixels;
using test::difference;

namespace {

std::unique_ptr<lanes::LaneOpener> lanesWithCost(double msPerCell) {
  auto factory = std::make_unique<test::FakeLaneOpener>();
  factory->msPerCell = msPerCell;
  return factory;
}

struct Page : test::GuiFixture {
  explicit Page(double msPerCell = 0.0) : GuiFixture(lanesWithCost(msPerCell)) {
    settings.setPrompt("It is a truth");
    settings.setPace({0.0});
  }
  /// Decodes until the contexts of both lanes are full.
  bool finish(int length = 64) {
    return QTest::qWaitFor(
        [&] {
          return application->session().state().finished && this->length(0) == length &&
                 this->length(1) == length;
        },
        20000);
  }
  template <typename Widget>
  Widget* find(const char* name) {
    return window().findChild<Widget*>(name);
  }
  /// Chooses the item with `data` as a person does: the box has the keyboard, Up and Down.
  bool choose(const char* name, const QVariant& data) {
    auto* box = find<QComboBox>(name);
    if (!box || box->findData(data) < 0) return false;
    box->setFocus();
    const int wanted = box->findData(data);
    while (box->currentIndex() > 0) QTest::keyClick(box, Qt::Key_Up);
    while (box->currentIndex() < wanted) QTest::keyClick(box, Qt::Key_Down);
    return box->currentIndex() == wanted;
  }
  QString verdict() { return find<QLabel>("verdict")->text(); }
  /// Part of a widget's pixels that have a colour.
  int pixels(QWidget& widget, session::Color color, int tolerance = 12) {
    return countPixels(widget.grab().toImage().convertToFormat(QImage::Format_RGB32), color, {0, 0, 1, 1},
                       tolerance);
  }
};

const session::Palette& dark() {
  return session::paletteOf(session::Theme::Dark);
}

}  // namespace

class TestExplained : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void verdictPromisesAndGoesThere() {
    // 2 ms and 0.0005 ms per position and KV head: (2 + 0.004 T) / (2 + 0.0005 T) is 1.08 behind 48
    // positions, the middle of the last 32, and 1.5 behind 308.
    Page page(0.0005);
    page.start();
    QVERIFY(page.finish());
    QTRY_VERIFY2_WITH_TIMEOUT(page.verdict().contains("1.5\u00d7 expected at 310 positions"),
                              qPrintable(page.verdict()), 5000);
    QVERIFY2(page.verdict().startsWith("MQA is 1.08\u00d7"), qPrintable(page.verdict()));
    // The same numbers as the figures.
    const session::SpeedBoard& board = page.application->board();
    QCOMPARE(board.verdict().find(1)->speedup->value,
             board.measurement(0).stepMs / board.measurement(1).stepMs);
    const analysis::Promise promise = *board.verdict().promise;
    auto* go = page.find<QPushButton>("goThere");
    QVERIFY(go->isVisible());
    QTest::mouseClick(go, Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(page.application->session().state().fill > 0, 5000);
    QTRY_VERIFY_WITH_TIMEOUT(page.application->session().state().finished, 60000);
    // What was promised is what is there.
    const session::LaneTrace& mha = page.store().lane(0);
    const session::LaneTrace& mqa = page.store().lane(1);
    const int there = promise.at.positions + 20;
    QVERIFY(mha.length() > there);
    const double ratio = mha.measured(there).stepMs / mqa.measured(there).stepMs;
    QVERIFY2(ratio > promise.speedup.low && ratio < promise.speedup.high, qPrintable(QString::number(ratio)));
    QVERIFY(std::abs(ratio - 1.5) < 0.06);
    auto* back = page.find<QPushButton>("goBack");
    QVERIFY(back->isVisible());
    QTest::mouseClick(back, Qt::LeftButton);
    QTRY_COMPARE(page.store().contextLength(), 64);
    QTRY_COMPARE(page.application->session().state().fill, 0);
    QVERIFY(!back->isVisible());
  }

  void aSlowerLaneIsCalledSlower() {
    // MQA's kernel takes as long for one KV head as MHA's for 24.
    Page page(0.001);
    page.start({"mha", "mqa-slow"});
    QVERIFY(page.finish());
    QTRY_VERIFY2_WITH_TIMEOUT(page.verdict().contains("Our kernel is the limit"), qPrintable(page.verdict()),
                              5000);
    QVERIFY2(page.verdict().contains("is 0."), qPrintable(page.verdict()));
    QVERIFY(!page.verdict().contains("cannot"));
    QVERIFY(!page.find<QPushButton>("goThere")->isVisible());
  }

  void measuringSweepsAndIsQuoted() {
    Page page(0.0005);
    page.start();
    QVERIFY(page.finish());
    page.click("viewSpeed");
    auto* chart = page.window().findChild<pages::SpeedChart*>();
    QTRY_VERIFY(chart && chart->isVisible());
    QCOMPARE(chart->plottableCount(), 0);
    auto* stop = page.find<QPushButton>("stop");
    auto* why = page.find<QPushButton>("why");
    const int whyAt = why->mapTo(&page.window(), QPoint()).x();
    bool wasMeasuring = false;
    bool whyStood = true;
    QObject::connect(&page.application->session(), &session::SessionHost::stateChanged, &page.window(),
                     [&](const session::SessionState& state) {
                       wasMeasuring = wasMeasuring || (state.measuring.underWay && stop->isVisible());
                       whyStood = whyStood && why->isVisible() &&
                                  why->mapTo(&page.window(), QPoint()).x() == whyAt;
                     });
    page.click("measure");
    QTRY_VERIFY_WITH_TIMEOUT(page.store().speedMap().isComplete, 60000);
    QVERIFY(wasMeasuring);
    QVERIFY(whyStood);
    // MHA, MQA and MQA's naive kernel, at five contexts and more.
    const analysis::SpeedMap& map = page.store().speedMap();
    QCOMPARE(map.curves.size(), 3u);
    QVERIFY(map.curves[0].points.size() >= 5);
    QTRY_VERIFY(chart->plottableCount() >= 6);
    // Measured at the first context where it is 1.5 times as fast: that of the fake lanes' arithmetic.
    QTRY_VERIFY2_WITH_TIMEOUT(page.verdict().contains("measured at 512 positions"),
                              qPrintable(page.verdict()), 5000);
    const auto there = analysis::measuredSpeedup(map.curves[0], map.curves[1], {1, 512});
    QVERIFY(there && std::abs(there->median - (2 + 0.004 * 530) / (2 + 0.0005 * 530)) < 0.06);
    // The fake models were trained for 64 positions.
    const QString title = chart->findChild<QCPTextElement*>()->text();
    QVERIFY2(title.endsWith("contexts beyond 64 positions are timed, but text there would not make sense"),
             qPrintable(title));
    QVERIFY(page.pixels(*chart, dark().untrained) > 1000);
    // Text and caches are as they were.
    QCOMPARE(page.length(0), 64);
  }

  void whyOpensTheDetails() {
    Page page(0.0005);
    page.start();
    QVERIFY(page.finish());
    QTRY_VERIFY(page.find<QPushButton>("why")->isVisible());
    QTRY_COMPARE(page.application->board().measurement(0).positions, 64.0);
    QString text;
    QTimer::singleShot(300, &page.window(), [&] {
      auto* dialog = page.find<QDialog>("verdictDetails");
      if (!dialog) return;
      text = dialog->findChild<QTextBrowser*>("verdictDetailsText")->toPlainText();
      QTest::keyClick(dialog, Qt::Key_Escape);
    });
    page.click("why");
    // Of each part its share of the step.
    const auto parts = analysis::stepPartsMs(page.application->board().measurement(0));
    const std::vector<std::string> percents = model::percentTexts(parts);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const std::string said = model::millisecondsText(parts[part]) + ", " + percents[part];
      QVERIFY2(text.contains(QString::fromStdString(said)), qPrintable(text));
    }
    for (const char* part :
         {"launch-bound", "outside the stages", "MQA as fast as MHA, measured", "Last sweep"})
      QVERIFY2(text.contains(part), part);
  }

  void controlsAnswerAtOnce() {
    Page page;
    page.start();
    QVERIFY(page.finish());
    const std::uint64_t before = page.store().lane(0).stepAt(40).logical().kvRead;
    QVERIFY(page.choose("batch", 8));
    QTRY_COMPARE(page.store().lane(0).info().batch, 8);
    QTRY_COMPARE(page.store().lane(1).info().batch, 8);
    QVERIFY(page.finish());
    QCOMPARE(page.store().lane(0).stepAt(40).logical().kvRead, 8 * before);
    QCOMPARE(page.store().lane(0).info().title, std::string("MHA \u00d78"));
    QVERIFY(page.choose("kvType", static_cast<int>(model::KvType::F16)));
    QTRY_COMPARE(page.store().lane(0).info().kvType, model::KvType::F16);
    QVERIFY(page.finish());
    QCOMPARE(page.store().lane(0).stepAt(40).logical().kvRead, 4 * before);
    // One lane alone.
    auto* scope = page.find<QComboBox>("laneScope");
    QCOMPARE(scope->count(), 3);
    scope->setFocus();
    for (int lane = 0; lane < 2; ++lane) QTest::keyClick(scope, Qt::Key_Down);
    QCOMPARE(scope->currentIndex(), 2);
    QVERIFY(page.choose("kernel", static_cast<int>(model::AttentionKernel::Naive)));
    QTRY_COMPARE(page.store().lane(1).info().attention, model::AttentionKernel::Naive);
    QCOMPARE(page.store().lane(0).info().attention, model::AttentionKernel::Shared);
    QCOMPARE(page.store().lane(1).info().title, std::string("MQA \u00d78 f16 naive"));
    QVERIFY(page.finish());
    QCOMPARE(page.store().lane(1).measured(40).kvReuse(), 8.0);
  }

  void fillsToThousandsOfPositions() {
    Page page;
    page.start();
    QVERIFY(page.drawn());
    auto* fill = page.find<QSpinBox>("fill");
    QTest::keyClick(&page.window(), Qt::Key_F, Qt::ControlModifier);
    QTRY_VERIFY(fill->hasFocus());
    // Slowly from there on: the context's end has a note of its own, which takes the place of this one.
    page.application->session().setPace({1.0});
    QTest::keyClicks(fill, "2000");
    QTest::keyClick(fill, Qt::Key_Return);
    QTRY_VERIFY_WITH_TIMEOUT(page.length(1) >= 2000, 60000);
    const char* kNotice = "MHA, MQA: Beyond the trained context of 64 positions";
    QTRY_VERIFY2(page.window().messages().sentence().contains(kNotice),
                 qPrintable(page.window().messages().sentence()));
    page.application->session().setPace({0.0});
    QTRY_VERIFY_WITH_TIMEOUT(page.application->session().state().finished, 60000);
    QCOMPARE(page.store().lane(0).promptLength(), 2000);
    // Maps of pooled rows are drawn as maps are.
    const QImage wall = page.picture();
    QVERIFY(countPixels(wall, session::colorOf(session::ColorMap::Viridis, 0.93), test::kLeftLane, 24) > 100);
    // The inspector has the row of the step looked at whole, recomputed.
    const int position = page.length(0) - 1;
    QVERIFY(page.store().lane(0).attentionRow(1, 3, position).empty());
    page.selection().setHead(session::HeadAddress{0, 1, 3});
    QTRY_COMPARE(static_cast<int>(page.store().lane(0).attentionRow(1, 3, position).size()), position + 1);
    QVERIFY(difference(wall, page.picture()) > 0.05);
  }

  void fillingShowsProgressAndStops() {
    Page page;
    page.start({"slow", "long"});  // 200 ms per block of the first
    QVERIFY(page.drawn());
    page.find<QSpinBox>("fill")->setValue(4000);
    QTRY_VERIFY2_WITH_TIMEOUT(page.verdict().contains("Filling the caches"), qPrintable(page.verdict()),
                              5000);
    // Those of a lane, whatever the number of lanes.
    QVERIFY2(page.verdict().contains("of 4,000 positions"), qPrintable(page.verdict()));
    QTRY_VERIFY2(page.verdict().contains(" s more."), qPrintable(page.verdict()));
    auto* stop = page.find<QPushButton>("stop");
    QVERIFY(stop->isVisible());
    QTest::mouseClick(stop, Qt::LeftButton);
    QTRY_VERIFY(!page.application->session().state().filling.underWay());
    QTRY_VERIFY(!stop->isVisible());
    QVERIFY(page.length(0) < 3000);
  }

  void kernelsSideBySide() {
    Page page(0.001);
    page.start({"mha", "mqa"});
    QVERIFY(page.finish());
    page.click("compareKernels");  // takes the lane whose kernels differ most
    QTRY_COMPARE(page.store().lane(1).info().title, std::string("MQA naive"));
    QCOMPARE(page.store().laneCount(), 2);
    // The first lane was at its end before; the naive one catches up with it.
    QTRY_COMPARE(page.length(1), page.length(0));
    QVERIFY(page.finish());
    QTRY_COMPARE(page.length(1), 64);  // it reads the other's text first
    const session::LaneTrace& shared = page.store().lane(0);
    const session::LaneTrace& naive = page.store().lane(1);
    QCOMPARE(shared.info().title, std::string("MQA"));
    QVERIFY(std::equal(shared.tokens().begin(), shared.tokens().end(), naive.tokens().begin(),
                       naive.tokens().end()));
    QCOMPARE(naive.stepAt(50).logical().kvRead, shared.stepAt(50).logical().kvRead);
    QCOMPARE(naive.stepAt(50).issued().kvRead, 8 * shared.stepAt(50).issued().kvRead);
    QVERIFY(shared.info().request.colorIndex != naive.info().request.colorIndex);
    // The bars of issued bytes have one scale, so the naive lane's KV read is longer.
    const QImage image = page.picture();
    const int few = countPixels(image, dark().traffic[1], test::kLeftLane, 6);
    const int many = countPixels(image, dark().traffic[1], test::kRightLane, 6);
    QVERIFY2(many > few, qPrintable(QString("%1 and %2 pixels").arg(few).arg(many)));
    QTest::keyClick(&page.window(), Qt::Key_G, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_COMPARE(page.store().lane(0).info().title, std::string("MHA"));
    QCOMPARE(page.store().lane(1).info().title, std::string("MQA"));
  }

  void rooflineAndWeights() {
    Page page(0.001);
    page.start();
    QVERIFY(page.finish());
    auto* charts = page.window().findChild<pages::StageChart*>();
    QVERIFY(charts && charts->isVisible());
    page.click("viewRoofline");
    auto* roofline = page.find<pages::RooflineChart>("roofline");
    QTRY_VERIFY(roofline->isVisible() && !charts->isVisible());
    // Two measured stages in each of two lanes.
    QTRY_COMPARE(roofline->dots().size(), std::size_t{4});
    const analysis::RooflinePoint& attention = roofline->dots()[0].point;
    QCOMPARE(attention.stage, model::Stage::AttentionDecode);
    // MHA: 4 x 8 heads x 16 FLOPs against 2 x 8 x 16 x 4 B per layer and position; MQA has 8 times of it.
    QVERIFY(std::abs(roofline->dots()[2].point.intensity() / attention.intensity() - 8.0) < 0.01);
    QTRY_VERIFY(page.pixels(*roofline, dark().lanes[0]) > 30);
    QVERIFY(page.pixels(*roofline, dark().lanes[1]) > 30);

    QTest::keyClick(&page.window(), Qt::Key_4, Qt::ControlModifier);
    auto* weights = page.find<pages::WeightsView>("weights");
    QTRY_VERIFY(weights->isVisible() && !roofline->isVisible());
    QTRY_VERIFY(!weights->drawn().empty());
    const auto find = [&](int lane, std::string_view symbol) -> const pages::WeightsView::Drawn& {
      return *std::find_if(weights->drawn().begin(), weights->drawn().end(), [&](const auto& drawn) {
        return drawn.lane == lane && drawn.matrix.symbol == symbol;
      });
    };
    // One scale: W_K of MQA is as tall and an eighth as wide.
    const QRectF wide = find(0, "W_K").area;
    const QRectF narrow = find(1, "W_K").area;
    QVERIFY(std::abs(wide.width() / narrow.width() - 8.0) < 0.01);
    QCOMPARE(wide.height(), narrow.height());
    for (const auto& drawn : weights->drawn()) QVERIFY(weights->rect().contains(drawn.area.toAlignedRect()));
    QTest::keyClick(&page.window(), Qt::Key_1, Qt::ControlModifier);
    QTRY_VERIFY(charts->isVisible());
  }

  void stageBarsAddUpToTheStep() {
    Page page;
    page.start();
    QVERIFY(page.finish());
    const analysis::LaneMeasurement measured = page.store().lane(0).measured(63);
    auto* chart = page.window().findChild<pages::StageChart*>();
    QTRY_COMPARE(chart->plottableCount(), 2);
    const auto* bars = qobject_cast<QCPBars*>(chart->plottable(0));
    QTRY_COMPARE(bars->data()->size(), model::kStageCount + 1);
    const auto total = [&] {
      double sum = 0.0;
      for (const QCPBarsData& bar : *bars->data()) sum += bar.value;
      return sum;
    };
    // At the pace of all numbers of time.
    QTRY_VERIFY(std::abs(total() - measured.stepMs) < 1e-9);
  }

  void fourLanes() {
    Page page;
    page.start({"mha", "gqa", "mqa", "long"});
    QTRY_COMPARE(page.store().laneCount(), 4);
    QTRY_VERIFY_WITH_TIMEOUT(page.length(3) > 20, 10000);
    QVERIFY(page.drawn());
    const QImage image = page.picture();
    for (std::size_t lane = 0; lane < 4; ++lane) {
      const QRectF part{0.25 * static_cast<double>(lane), 0.0, 0.25, 0.9};
      QVERIFY(countPixels(image, dark().lanes[lane], part, 8) > 100);
      QVERIFY(countPixels(image, dark().text, part) > 100);
    }
  }

  void measuresOnDemand() {
    Page page;
    page.start();
    QTRY_VERIFY(page.store().ceilings().known());
    QCOMPARE(page.store().ceilings().date, std::string("2026-01-01 10:00"));
    for (QAction* action : page.window().findChildren<QAction*>()) {
      if (action->text() == "Measure this device's &limits again") action->trigger();
    }
    QTRY_COMPARE(page.store().ceilings().date, std::string("2026-02-02 11:00"));
  }

  void presentationLeavesNoTrace() {
    Page page;
    page.start();
    QVERIFY(page.finish());
    auto* strip = page.find<QWidget>("verdictStrip");
    const int height = strip->height();
    for (const bool isOn : {true, false}) {
      QTest::keyClick(&page.window(), Qt::Key_F11);
      QTRY_COMPARE(page.window().appearance().presentation(), isOn);
      QTest::qWait(500);
    }
    QTRY_COMPARE(strip->height(), height);
  }

  void presentationHidesTheControlsOnly() {
    Page page;
    page.start();
    QVERIFY(page.finish());
    QVERIFY(page.find<QComboBox>("batch")->isVisible());
    QTest::keyClick(&page.window(), Qt::Key_F11);
    QTRY_VERIFY(!page.find<QComboBox>("batch")->isVisible());
    QVERIFY(page.find<QLabel>("verdict")->isVisible());
  }
};

HEADROOM_GUI_TEST_MAIN(TestExplained)
#include "tst_explained.moc"
