// What the live page says while something is on its way: it is what happens at that moment.
#include <QSemaphore>

#include "app/view/theme.h"
#include "core/lanes/experiment.h"
#include "tests/app_gui/fake_page.h"
#include "tests/app_gui/text_match.h"

using namespace headroom;
using test::find;
using test::inkOn;
using test::paintedText;

namespace {

/// Two rasterisers' pictures of one word are this alike.
constexpr double kSame = 0.75;

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
             kSame;
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
