#include <QLineEdit>
#include <QMenu>
#include <QToolButton>

#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;

namespace {

/// Fake lanes at full speed; they stop at the end of their contexts of 64.
struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) {
    settings.setPrompt("It is a truth");
    settings.setPace({0.0});
  }
};

}  // namespace

/// Which texts are offered.
class TestTexts : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

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
