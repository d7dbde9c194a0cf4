#include <QLineEdit>

#include "tests/app_gui/fake_page.h"

using namespace headroom;

namespace {

struct Page : test::FakePage {
  QString sentence() { return window().messages().sentence(); }
  void enter(const QString& text) {
    auto* prompt = window().findChild<QLineEdit*>("prompt");
    QTest::keyClick(&window(), Qt::Key_L, Qt::ControlModifier);
    QTRY_VERIFY(prompt->hasFocus());
    prompt->selectAll();
    QTest::keyClick(prompt, Qt::Key_Delete);
    QTest::keyClicks(prompt, text);
    QTest::keyClick(prompt, Qt::Key_Return);
  }
};

}  // namespace

/// What is refused, and what closes, takes nothing of what was decoded with it.
class TestNothingLost : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void refusedPrompts_data() {
    QTest::addColumn<QString>("prompt");
    QTest::addColumn<QString>("reason");
    QTest::newRow("empty") << QString() << "MHA, MQA: the prompt is empty";
    // A token for each byte, and one that begins.
    QTest::newRow("too long") << QString(80, 'a') << "80 tokens, the context holds 64 positions";
  }
  void refusedPrompts() {
    QFETCH(QString, prompt);
    QFETCH(QString, reason);
    Page page;
    QVERIFY(page.startPaused());
    const std::vector<int> text(page.store().lane(0).tokens().begin(), page.store().lane(0).tokens().end());
    const std::uint64_t run = page.store().run();
    page.enter(prompt);
    QTRY_VERIFY2(page.sentence().contains(reason), qPrintable(page.sentence()));
    QVERIFY(page.sentence().contains("What was decoded stays."));
    QTest::qWait(200);
    QCOMPARE(page.store().run(), run);
    QVERIFY(std::ranges::equal(page.store().lane(0).tokens(), text));
    QCOMPARE(page.length(1), 64);
    QVERIFY(!page.application->session().state().playing);
    // Another prompt begins.
    page.enter("Once upon");
    QTRY_COMPARE(page.store().lane(0).promptLength(), 9);
  }

  void aChatWithABaseModel() {
    Page page;
    QVERIFY(page.startPaused());
    QTest::keyClick(&page.window(), Qt::Key_L, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_VERIFY2(page.sentence().contains("What was decoded stays."), qPrintable(page.sentence()));
    QTest::qWait(200);
    QCOMPARE(page.length(0), 64);
    QCOMPARE(page.length(1), 64);
  }

  void closingALaneAtTheContextLimit() {
    Page page;
    QVERIFY(page.startPaused());
    const std::vector<int> text(page.store().lane(1).tokens().begin(), page.store().lane(1).tokens().end());
    page.window().workspace().closeLane(0);
    QTRY_COMPARE(page.store().laneCount(), 1);
    QTest::qWait(200);
    QVERIFY(std::ranges::equal(page.store().lane(0).tokens(), text));
    const QImage image = page.picture();
    // Its text is there to be read.
    QVERIFY(test::countPixels(image, session::paletteOf(session::Theme::Dark).text, {0.0, 0.04, 1.0, 0.2}) >
            100);
  }
};

HEADROOM_GUI_TEST_MAIN(TestNothingLost)
#include "tst_nothing_lost.moc"
