// What the live page says while something is on its way: it is what happens at that moment.
#include <QComboBox>
#include <QSemaphore>

#include "app/pages/charts/speed_chart.h"
#include "app/view/theme.h"
#include "core/lanes/experiment.h"
#include "tests/app_gui/fake_page.h"
#include "tests/app_gui/text_match.h"

using namespace headroom;
using test::find;
using test::inkOn;
using test::paintedText;

namespace {

/// Opens one lane after the other, each when it may.
struct Gate {
  QSemaphore mayOpen;  // outlives the thread that waits for it
};
struct SlowOpening : Gate, test::GuiFixture {
  SlowOpening() : SlowOpening(std::make_unique<test::FakeLaneOpener>()) {}
  ~SlowOpening() { mayOpen.release(10); }

  /// Whether the words stand in the middle of the live view; each is looked for by itself, since two
  /// rasterisers space words a little differently.
  bool says(const QString& words) {
    const QImage image = picture();
    const QImage middle = image.copy(image.width() / 2 - 220, image.height() * 2 / 5, 440, 40);
    const session::Color ground = live().appearance().palette().panel;
    const test::Ink ink = inkOn(middle, QColor(ground.red, ground.green, ground.blue));
    const QStringList list = words.split(' ');
    return std::ranges::all_of(list, [&](const QString& word) {
      return find(inkOn(paintedText(word, view::qtFont(live().appearance())), Qt::black), ink).likeness >
             test::kSame;
    });
  }

 private:
  explicit SlowOpening(std::unique_ptr<test::FakeLaneOpener> opener)
      : GuiFixture((
            opener->whileOpening = [this] { mayOpen.acquire(); }, std::move(opener))) {
    settings.setPrompt("It is a truth");
  }
};

}  // namespace

class TestLiveStates : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// There is no lane yet, but one has been asked for: nobody has to add one.
  void aModelIsBeingOpened() {
    SlowOpening page;
    page.start();
    QVERIFY(page.drawn());
    QTRY_VERIFY(page.application->session().state().opening.underWay());
    QCOMPARE(page.store().laneCount(), 0);
    QVERIFY(page.says("Opening MHA\u2026"));
    QVERIFY(!page.says("lane open."));
    // What they will decode with; nothing differs, and nobody can change it yet.
    const auto shown = [&](const char* name) {
      const auto* box = page.window().findChild<QComboBox*>(name);
      return box->isEnabled() ? QString("enabled") : box->currentText();
    };
    QTRY_COMPARE(shown("context"), QString("as trained"));
    QCOMPARE(shown("laneScope"), QString("All lanes"));
    QCOMPARE(shown("batch"), QString("1"));
    QCOMPARE(shown("kvType"), QString("f32"));
    QCOMPARE(shown("kernel"), QString("shared"));
    page.mayOpen.release();
    QTRY_COMPARE(QString::fromStdString(page.application->session().opening().title), "MQA");
    QTRY_VERIFY(page.says("Opening MQA\u2026"));
    page.mayOpen.release();
    QTRY_COMPARE(page.store().laneCount(), 2);
  }

  void noLaneIsThere() {
    SlowOpening page;
    page.mayOpen.release(2);
    page.start();
    QTRY_COMPARE(page.store().laneCount(), 2);
    for (int lane = 0; lane < 2; ++lane) QTest::keyClick(&page.window(), Qt::Key_W, Qt::ControlModifier);
    QTRY_COMPARE(page.store().laneCount(), 0);
    QTRY_VERIFY(page.says("lane open."));
    QVERIFY(!page.says("Opening MHA\u2026"));
    const auto* scope = page.window().findChild<QComboBox*>("laneScope");
    QVERIFY(!scope->isEnabled());
    QCOMPARE(scope->currentText(), QString("No lane"));
    // Asked for again, it is on its way again.
    page.window().workspace().addLane("mqa");
    QTRY_VERIFY(page.says("Opening MQA\u2026"));
  }

  void noneCouldBeOpened() {
    SlowOpening page;
    page.mayOpen.release(1);
    page.start({"/m/missing.gguf"});
    QTRY_VERIFY(page.window().messages().sentence().contains("missing.gguf: no such file"));
    QTRY_VERIFY(page.says("lane open."));
  }

  /// A sweep wipes no chart before it has one to show instead.
  void anEarlierSweepStaysUntilTheNewOneHasLines() {
    SlowOpening page;
    page.settings.setPace({0.0});
    page.mayOpen.release(2);
    page.start();
    QTRY_VERIFY(page.application->session().state().finished && page.length(1) == 64);
    analysis::SpeedMap earlier{.device = "fake device", .date = "2001-02-03 04:05", .curves = {}};
    for (const auto& [name, heads] : {std::pair{"mha", 8}, std::pair{"mqa", 1}}) {
      earlier.curves.push_back({.name = name, .source = name, .attention = {8, heads, 16}});
      for (const int at : {256, 512, 1024})
        earlier.curves.back().points.push_back({{1, at}, {2.0, 2.0, 2.1}});
    }
    page.store().setSpeedMap(earlier);
    page.click("viewSpeed");
    auto* chart = page.window().findChild<pages::SpeedChart*>();
    QTRY_VERIFY(chart && chart->plottableCount() > 0);
    const auto title = [&] {
      for (QCPLayoutElement* element : chart->plotLayout()->elements(true))
        if (const auto* text = qobject_cast<QCPTextElement*>(element)) return text->text();
      return QString();
    };
    QVERIFY(title().contains("ms per step") && !title().contains("earlier"));
    // Stopped as soon as it has begun.
    bool hasBegun = false;
    const auto connection =
        connect(&page.application->session(), &session::SessionHost::stateChanged, chart,
                [&](const session::SessionState& state) {
                  if (!state.measuring.underWay || std::exchange(hasBegun, true)) return;
                  page.application->session().cancelMeasuring();
                  page.mayOpen.release(1000);  // before that nothing is measured
                  chart->refresh({page.store(), page.selection(), page.application->board()});
                  QVERIFY2(title().contains("earlier sweep of 2001-02-03 04:05"), qPrintable(title()));
                  QVERIFY(chart->plottableCount() > 0);
                });
    page.click("measure");
    QTRY_VERIFY(hasBegun && !page.application->session().state().measuring.underWay);
    disconnect(connection);
    QCOMPARE(page.store().speedMap().date, earlier.date);
    QTRY_VERIFY(!title().contains("earlier"));
    QVERIFY(chart->plottableCount() > 0);
    // The next goes on to its end.
    page.click("measure");
    QTRY_VERIFY_WITH_TIMEOUT(page.store().speedMap().isComplete, 60000);
    QVERIFY(page.store().speedMap().date != earlier.date);
    QTRY_VERIFY(!title().contains("earlier"));
  }

  /// What headlines show as measured the verdict does not call unmeasured.
  void speedAndVerdictAfterAnExperimentWasOpened() {
    test::FakePage page;
    QVERIFY(page.startPaused());
    const session::SpeedBoard& board = page.application->board();
    const std::string path = page.folder.filePath("few.headroom").toStdString();
    lanes::Experiment experiment = page.window().workspace().experiment();
    experiment.tokensPerSecond = 4.0;
    lanes::writeExperiment(experiment, path);
    int few = 0;
    connect(&board, &session::SpeedBoard::changed, &board, [&] {
      const bool isAnyMeasured =
          board.laneCount() == 2 && (board.measurement(0).measured() || board.measurement(1).measured());
      if (isAnyMeasured) QVERIFY2(!board.sentence().starts_with("Not measured"), board.sentence().c_str());
      few += board.sentence().starts_with("Too few steps to compare yet") ? 1 : 0;
    });
    page.window().workspace().openExperiment(path);
    QTRY_VERIFY(few >= 2);
    QTRY_VERIFY(board.verdict().others.size() == 1 &&
                board.verdict().answer != analysis::Answer::NotMeasured);
  }
};

HEADROOM_GUI_TEST_MAIN(TestLiveStates)
#include "tst_live_states.moc"
