#include <QAbstractItemView>
#include <QComboBox>
#include <QLineEdit>
#include <QSpinBox>

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

  void afterEnterInTheFillBoxSpacePlays() {
    Page page;
    page.start({"long"});
    QTRY_VERIFY(page.playing());
    page.press(Qt::Key_F, Qt::ControlModifier);
    auto* fill = page.window().findChild<QSpinBox*>("fill");
    QTRY_COMPARE(page.focused(), fill);
    QTest::keyClicks(fill, "300");
    page.press(Qt::Key_Return);
    QTRY_COMPARE(page.application->session().state().fill, 300);
    QVERIFY(page.focused() != fill);
    QTRY_VERIFY(page.playing());
    page.press(Qt::Key_Space);
    QTRY_VERIFY(!page.playing());
    QCOMPARE(fill->value(), 300);
  }

  /// Fails where the list opens once more instead.
  void afterAChoiceFromAListSpacePlays() {
    Page page;
    page.start();
    QTRY_VERIFY(page.playing());
    auto* kernel = page.window().findChild<QComboBox*>("kernel");
    QVERIFY(kernel && kernel->isVisible());
    QTest::mouseClick(kernel, Qt::LeftButton);
    QTRY_VERIFY(kernel->view()->isVisible());
    QTest::keyClick(kernel->view(), Qt::Key_Down);
    QTest::keyClick(kernel->view(), Qt::Key_Return);
    QTRY_VERIFY(!kernel->view()->isVisible());
    QTRY_VERIFY(page.focused() != kernel);
    QTRY_COMPARE(page.store().lane(0).info().request.options.attention, model::AttentionKernel::Naive);
    QTRY_VERIFY(page.playing());
    page.press(Qt::Key_Space);
    QTRY_VERIFY(!page.playing());
    QVERIFY(!kernel->view()->isVisible());
  }

  /// More letters than such a field takes of itself.
  void aLongPromptIsNotCut() {
    Page page;
    page.settings.setPrompt(std::string(40'000, 'a'));
    page.start();
    QTRY_COMPARE(page.prompt().text().size(), 40'000);
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

  /// The candidates of a token lie over everything.
  void escapeClosesAPopupBeforeAnythingElse() {
    Page page;
    page.settings.setPace({0.0});
    page.start();
    QTRY_VERIFY(page.application->session().state().finished);
    page.window().messages().dismiss();
    page.selection().setHead(session::HeadAddress{});
    QVERIFY(page.drawn());
    const auto raised = [&] {
      return test::countPixels(page.picture(), page.live().appearance().palette().raised, {0, 0, 1, 1}, 0);
    };
    QPoint token(30, 40);
    for (; token.y() < page.live().height() / 2 && !page.selection().hoveredToken(); token.ry() += 6)
      page.moveMouse(token);
    QVERIFY(page.selection().hoveredToken().has_value());
    token.ry() -= 6;
    QTest::mouseClick(&page.live(), Qt::LeftButton, {}, token);
    page.settle();
    page.moveMouse({page.live().width() - 4, 4});
    const int open = raised();
    // From the live view, which has the keyboard after a click.
    QTest::keyClick(&page.live(), Qt::Key_Escape);
    page.settle();
    const int closed = raised();
    QVERIFY2(closed < open - 5000, qPrintable(QString("%1 %2").arg(open).arg(closed)));
    QVERIFY(page.selection().head().has_value());
    QTest::keyClick(&page.live(), Qt::Key_Escape);
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
