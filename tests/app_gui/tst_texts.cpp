#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QToolButton>

#include "app/pages/charts/growth_chart.h"
#include "app/pages/charts/traffic_chart.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;
using test::countPixels;

namespace {

const session::Palette& dark() {
  return session::paletteOf(session::Theme::Dark);
}

/// Where the left of two lanes has its parts, in fractions of the live view.
constexpr QRectF kText{0.01, 0.06, 0.47, 0.2};
constexpr QRectF kWall{0.01, 0.25, 0.47, 0.5};
constexpr QRectF kCache{0.01, 0.7, 0.17, 0.16};
constexpr QRectF kTimelineStart{0.16, 0.9, 0.3, 0.1};
constexpr QRectF kTimelineEnd{0.7, 0.9, 0.29, 0.1};

/// Pixels of the longest level line of a colour.
int longestRun(const QImage& image, session::Color color, QRectF part) {
  int longest = 0;
  const int left = static_cast<int>(part.left() * image.width());
  const int right = static_cast<int>(part.right() * image.width());
  for (int y = static_cast<int>(part.top() * image.height()); y < part.bottom() * image.height(); ++y) {
    int run = 0;
    for (int x = left; x < right; ++x) {
      const QRgb pixel = image.pixel(x, y);
      const bool isColor = std::abs(qRed(pixel) - color.red) < 6 &&
                           std::abs(qGreen(pixel) - color.green) < 6 &&
                           std::abs(qBlue(pixel) - color.blue) < 6;
      run = isColor ? run + 1 : 0;
      longest = std::max(longest, run);
    }
  }
  return longest;
}

/// Fake lanes, trained for 64 positions, that decode to the end of their contexts and stop there.
struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) {
    settings.setPrompt("It is a truth");
    settings.setPace({0.0});
  }
  bool finish(int contextLength) {
    settings.setLanes(
        {{"mha", 0, {.contextLength = contextLength}}, {"mqa", 1, {.contextLength = contextLength}}});
    start();
    return drawn() && QTest::qWaitFor(
                          [&] {
                            return application->session().state().finished && length(0) == contextLength &&
                                   length(1) == contextLength;
                          },
                          20000);
  }
  QString verdict() { return window().findChild<QLabel*>("verdict")->text(); }
  /// The charts over positions.
  std::vector<QImage> charts() {
    return {window().findChild<pages::GrowthChart*>()->grab().toImage(),
            window().findChild<pages::TrafficChart*>()->grab().toImage()};
  }
};

}  // namespace

/// Which texts are offered, where one ends, and where those end that a model was trained for.
class TestTexts : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// Fails where a view does not mark it, and where one marks what the model was trained for.
  void whatIsBeyondTheTrainedContextIsMarked() {
    for (const bool beyond : {false, true}) {
      Page page;
      QVERIFY(page.finish(beyond ? 128 : 64));
      const char* kWords = "Beyond the trained context of 64 positions";
      QTRY_COMPARE(page.verdict().contains(kWords), beyond);
      const QImage newest = page.picture();
      const auto ground = [&](const QImage& image, const QRectF& part) {
        return countPixels(image, dark().untrained, part, 3);
      };
      QCOMPARE(ground(newest, kText) > 500, beyond);
      QCOMPARE(ground(newest, kTimelineEnd) > 300, beyond);
      QCOMPARE(ground(newest, kTimelineStart), 0);
      const session::Color filled = session::mix(dark().untrained, dark().lanes[0], 0.85);
      QCOMPARE(countPixels(newest, filled, kCache, 2) > 500, beyond);
      // A cell of the wall is wider than a letter.
      QCOMPARE(longestRun(newest, dark().text, kWall) > 24, beyond);
      for (std::size_t chart = 0; chart < 2; ++chart) {
        QTRY_COMPARE(ground(page.charts()[chart], {0, 0, 1, 1}) > 500, beyond);
      }

      page.selection().setPosition(10);
      QTRY_VERIFY(!page.verdict().contains(kWords));
      const QImage before = page.picture();
      QCOMPARE(ground(before, kCache) > 500, beyond);

      page.selection().setPosition(std::nullopt);
      page.selection().setHead(session::HeadAddress{0, 1, 2});
      QCOMPARE(longestRun(page.picture(), dark().text, {0.6, 0.2, 0.38, 0.6}) > 100, beyond);
    }
  }

  /// A frame with words stands where the token is, and the next text begins on a line of its own.
  /// Whoever has looked back, and goes to the newest token again, sees it, also where nothing new comes.
  void theNewestTokenComesBackIntoSight() {
    Page page;
    QVERIFY(page.finish(1000));
    const auto text = [&] {
      const QImage picture = page.picture();
      return picture.copy(QRect(static_cast<int>(kText.x() * picture.width()),
                                static_cast<int>(kText.y() * picture.height()),
                                static_cast<int>(kText.width() * picture.width()),
                                static_cast<int>(kText.height() * picture.height())));
    };
    page.settle();
    const QImage newest = text();
    QTest::keyClick(&page.window(), Qt::Key_Home);
    QTRY_VERIFY(test::difference(text(), newest) > 0.03);
    QTest::keyClick(&page.window(), Qt::Key_End);
    QTRY_VERIFY(!page.selection().position());
    QTRY_VERIFY(test::difference(text(), newest) < 0.005);
  }

  void theEndOfATextIsAMark() {
    int longest[2] = {0, 0};
    for (const bool ends : {false, true}) {
      Page page;
      page.start({ends ? "ends-at-30" : "mha"});
      QVERIFY(page.drawn());
      QTRY_COMPARE(page.length(0), 64);
      QCOMPARE(page.store().lane(0).endsText(page.store().lane(0).tokens()[30]), ends);
      page.selection().setPosition(28);
      longest[ends ? 1 : 0] = longestRun(page.picture(), dark().textFaint, {0.0, 0.05, 0.6, 0.25});
    }
    QVERIFY2(longest[0] < 30 && longest[1] > 50,
             qPrintable(QString("%1 and %2 pixels").arg(longest[0]).arg(longest[1])));
  }

  void whatFollowsAnEndIsChosenBesideTheSampling() {
    Page page;
    page.start({"ends-at-30"});
    QVERIFY(page.drawn());
    QTRY_COMPARE(page.length(0), 64);
    QTest::keyClick(&page.window(), Qt::Key_G);
    auto* choice = page.window().findChild<QComboBox*>("whenTextEnds");
    QTRY_VERIFY(choice->isVisible());
    QCOMPARE(choice->currentText(), QString("Go on with the next"));
    choice->setFocus();
    QTest::keyClick(choice, Qt::Key_Up);
    QTRY_VERIFY(page.settings.whenTextEnds() == session::WhenTextEnds::Stop);
    QTest::keyClick(choice, Qt::Key_Escape);
    page.click("restart");
    page.click("play");
    QTRY_VERIFY(page.application->session().state().finished && page.length(0) == 30);
  }

  void promptsAreOffered() {
    Page page;
    page.start({"mha"});
    QVERIFY(page.drawn());
    auto* field = page.window().findChild<QLineEdit*>("prompt");
    auto* menu = page.window().findChild<QMenu*>("offeredPrompts");
    QCOMPARE(menu->actions().size(), qsizetype{3});
    auto* button = field->findChild<QToolButton*>();
    QTest::mouseClick(button, Qt::LeftButton);
    QTRY_VERIFY(menu->isVisible());
    QTest::keyClick(menu, Qt::Key_Down);
    QTest::keyClick(menu, Qt::Key_Down);
    QTest::keyClick(menu, Qt::Key_Return);
    const std::string prompt = "One day, a little bear";
    QTRY_COMPARE(page.store().lane(0).promptLength(), static_cast<int>(prompt.size()));
    QCOMPARE(field->text().toStdString(), prompt);
    QCOMPARE(page.settings.prompt(), prompt);
    QTRY_COMPARE(page.length(0), 64);
    // Token ids are no text.
    page.window().workspace().setPromptForm(session::PromptForm::Ids, prompt);
    QVERIFY(!button->isVisible());
    page.window().workspace().setPromptForm(session::PromptForm::Text, "79");
    QTRY_VERIFY(button->isVisible());
  }

  void theFirstPromptIsOneThatTheModelsKnow() {
    QTemporaryDir folder;
    const session::Settings fresh(folder.filePath("fresh.ini"));
    QCOMPARE(fresh.prompt(), std::string("Once upon a time"));
    // Greedy models of this size repeat themselves.
    QVERIFY(fresh.sampling().temperature >= 0.7f && fresh.sampling().temperature <= 0.8f);
  }
};

HEADROOM_GUI_TEST_MAIN(TestTexts)
#include "tst_texts.moc"
