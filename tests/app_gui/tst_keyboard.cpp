#include <QComboBox>
#include <QLineEdit>

#include "app/pages/live/live_page.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;

namespace {

struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<test::FakeLaneOpener>()) { settings.setPrompt("It is a truth"); }

  QLineEdit& prompt() { return *window().findChild<QLineEdit*>("prompt"); }
  QWidget* focused() { return window().focusWidget(); }
  bool playing() { return application->session().state().playing; }
  void press(Qt::Key key, Qt::KeyboardModifiers modifiers = {}) {
    QTest::keyClick(focused() ? focused() : &window(), key, modifiers);
  }
};

}  // namespace

/// Where the keyboard is, and what its keys do there.
class TestKeyboard : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void nobodyTypesAtTheStart() {
    Page page;
    page.start();
    QTRY_VERIFY(page.playing());
    QVERIFY(page.focused() != &page.prompt());
    const QString before = page.prompt().text();
    page.press(Qt::Key_Space);
    QTRY_VERIFY(!page.playing());
    QCOMPARE(page.prompt().text(), before);
  }

  void afterEnterAndEscapeSpacePlays_data() {
    QTest::addColumn<int>("key");
    QTest::newRow("Enter") << static_cast<int>(Qt::Key_Return);
    QTest::newRow("Escape") << static_cast<int>(Qt::Key_Escape);
  }
  void afterEnterAndEscapeSpacePlays() {
    QFETCH(int, key);
    Page page;
    page.start();
    QTRY_VERIFY(page.playing());
    page.press(Qt::Key_L, Qt::ControlModifier);
    QTRY_COMPARE(page.focused(), &page.prompt());
    page.press(static_cast<Qt::Key>(key));
    QVERIFY(page.focused() != &page.prompt());
    QTRY_VERIFY(page.playing());
    page.press(Qt::Key_Space);
    QTRY_VERIFY(!page.playing());
    QCOMPARE(page.prompt().text(), QString("It is a truth"));
  }

  void spaceErasesNoPrompt() {
    Page page;
    page.start();
    page.press(Qt::Key_L, Qt::ControlModifier);
    QTRY_COMPARE(page.prompt().selectedText(), QString("It is a truth"));
    page.press(Qt::Key_Space);
    QCOMPARE(page.prompt().text(), QString("It is a truth "));
  }

  void escapeLeavesThePromptBeforeItClosesAnything() {
    Page page;
    page.start();
    QTRY_VERIFY(page.length(0) > 0);
    page.selection().setHead(session::HeadAddress{});
    page.press(Qt::Key_L, Qt::ControlModifier);
    QTRY_COMPARE(page.focused(), &page.prompt());
    page.press(Qt::Key_Escape);
    QVERIFY(page.selection().head().has_value());
    page.press(Qt::Key_Escape);
    QVERIFY(!page.selection().head().has_value());
  }

  void lettersInABoxDoNothingElse() {
    Page page;
    page.start();
    QTRY_VERIFY(page.length(0) > 0);
    auto* box = page.window().findChild<QComboBox*>("kernel");
    box->setFocus();
    const session::MapScale scale = page.selection().mapScale();
    page.press(Qt::Key_S);
    QCOMPARE(page.selection().mapScale(), scale);
    page.press(Qt::Key_Escape);
    QVERIFY(page.focused() != box);
    page.press(Qt::Key_S);
    QVERIFY(page.selection().mapScale() != scale);
  }
};

HEADROOM_GUI_TEST_MAIN(TestKeyboard)
#include "tst_keyboard.moc"
