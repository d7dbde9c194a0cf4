// The Help menu, and the question before quitting, in the real window.
#include <QAction>
#include <QClipboard>
#include <QDialog>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QPushButton>
#include <QTextBrowser>
#include <QTimer>
#include <QWindow>
#include <atomic>

#include "core/analysis/glossary.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;

namespace {

/// Opens "gate" only when it may.
class GatedLanes final : public lanes::LaneOpener {
 public:
  explicit GatedLanes(std::atomic<bool>& open) : m_open(open) {}
  lanes::LaneEngine open(const lanes::LaneRequest& request,
                         const std::function<void(double)>& progress) override {
    while (request.source == "gate" && !m_open) {
      progress(0.25);  // throws when it is cancelled
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return m_lanes.open(request, progress);
  }
  model::DeviceCeilings ceilings(model::Freshness freshness) override { return m_lanes.ceilings(freshness); }
  void forgetDevice() override {}

 private:
  std::atomic<bool>& m_open;
  test::FakeLaneOpener m_lanes;
};

struct Page {
  std::atomic<bool> gate = false;
  test::GuiFixture gui{std::make_unique<GatedLanes>(gate)};

  Page() {
    gui.settings.setPrompt("A secret of mine");
    gui.settings.setPace({0.0});
  }
  ~Page() { gate = true; }

  pages::MainWindow& window() { return gui.window(); }
  QString sentence() { return window().messages().sentence(); }
  QAction* entry(const QString& text) {
    for (QAction* action : window().findChildren<QAction*>()) {
      if (action->text().remove('&') == text) return action;
    }
    return nullptr;
  }
  QString textOf(const char* name) {
    auto* dialog = window().findChild<QDialog*>(name);
    return dialog ? dialog->findChild<QTextBrowser*>("text")->toPlainText() : QString();
  }
  /// Clicks `button` in the question that comes with the next close(); what it said.
  QString answer(const char* button, bool& closed) {
    QString said;
    QTimer::singleShot(200, &window(), [&] {
      auto* box = window().findChild<QMessageBox*>("quitQuestion");
      if (!box) return;
      said = box->text();
      for (QAbstractButton* choice : box->buttons()) {
        if (choice->text() == button) {
          QTest::mouseClick(choice, Qt::LeftButton);
          return;
        }
      }
    });
    closed = window().close();
    QTest::qWait(250);  // a question that did not come is none
    return said;
  }
};

}  // namespace

class TestHelp : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void theGlossaryIsSearched() {
    Page page;
    page.gui.start();
    QTRY_COMPARE(page.gui.length(1), 64);
    QTest::keyClick(&page.window(), Qt::Key_F1);
    auto* glossary = page.window().findChild<QDialog*>("glossary");
    QVERIFY(glossary && glossary->isVisible() && !glossary->isModal());
    const QString whole = page.textOf("glossary");
    for (const analysis::Term& term : analysis::glossary()) {
      QVERIFY2(whole.contains(QString::fromStdString(term.name + "\n" + term.meaning)), term.name.c_str());
    }
    auto* search = glossary->findChild<QLineEdit*>("search");
    QTest::keyClicks(search, "BOUND launch");
    QVERIFY(page.textOf("glossary").startsWith("launch-bound\n"));
    QVERIFY(!page.textOf("glossary").contains("lockstep"));
    search->setText("sink");
    QVERIFY(page.textOf("glossary").startsWith("sink\n"));
    search->setText("zebra <b>");
    QCOMPARE(page.textOf("glossary"), QString("No term has \u201czebra <b>\u201d."));
    // Work goes on beside it, and it looks as the window does.
    page.window().setAppearance({.theme = session::Theme::Light, .textPercent = 200});
    search->clear();
    const session::Palette& light = session::paletteOf(session::Theme::Light);
    const QImage picture = glossary->grab().toImage();
    QVERIFY(test::countPixels(picture, light.raised) > picture.width() * picture.height() / 3);
    QVERIFY(test::countPixels(picture, light.text, {0, 0, 1, 1}, 40) > 500);
    QCOMPARE(glossary->findChild<QTextBrowser*>("text")->font().pixelSize(), 26);
    glossary->activateWindow();
    QTRY_COMPARE(QApplication::activeWindow(), glossary);
    QTest::keyClick(glossary->windowHandle(), Qt::Key_Escape);
    QTRY_VERIFY(!glossary->isVisible());
  }

  /// Whatever the menus hold is listed, also what is added to them later.
  void theShortcutsAreThoseOfTheMenus() {
    Page page;
    page.gui.start();
    QTRY_COMPARE(page.gui.length(1), 64);
    QMenu* help = page.window().menuBar()->actions().back()->menu();
    QAction* added = help->addAction("Water the &plants\u2026");
    added->setShortcut(Qt::CTRL | Qt::ALT | Qt::Key_F7);
    page.entry("Keyboard shortcuts")->trigger();
    const QString listed = page.textOf("shortcuts");
    int count = 0;
    for (const QAction* menu : page.window().menuBar()->actions()) {
      for (const QAction* action : menu->menu()->actions()) {
        if (action->shortcut().isEmpty()) continue;
        const QString row = action->text().remove('&').remove(QChar(0x2026)) + "\n" +
                            action->shortcut().toString(QKeySequence::NativeText);
        QVERIFY2(listed.contains(row), qPrintable(row));
        ++count;
      }
    }
    QVERIFY(count > 30);
    QVERIFY(listed.contains("Water the plants\nCtrl+Alt+F7"));
    auto* search = page.window().findChild<QDialog*>("shortcuts")->findChild<QLineEdit*>("search");
    search->setText("f7");
    QCOMPARE(page.textOf("shortcuts").trimmed(), QString("Help\nWater the plants\nCtrl+Alt+F7"));
    search->setText("decode space");
    QVERIFY2(page.textOf("shortcuts").startsWith("Decode\n") &&
                 page.textOf("shortcuts").trimmed().endsWith("\nSpace"),
             qPrintable(page.textOf("shortcuts")));
  }

  /// Two actions never share keys, or neither of them works.
  void noKeysTwice() {
    Page page;
    page.gui.start();
    QHash<QString, QString> taken;
    for (const QAction* action : page.window().findChildren<QAction*>()) {
      for (const QKeySequence& keys : action->shortcuts()) {
        const QString text = keys.toString();
        QVERIFY2(!taken.contains(text), qPrintable(text + ": " + taken[text] + ", " + action->text()));
        taken[text] = action->text();
      }
    }
  }

  void diagnosticsAreCopiedWithoutThePrompt() {
    Page page;
    page.gui.start();
    QTRY_COMPARE(page.gui.length(1), 64);
    page.window().showMessage({session::Severity::Note, "Token \"A secret\" is outside the vocabulary."});
    page.entry("Copy diagnostics")->trigger();
    QVERIFY2(page.sentence().contains("diagnostics are copied, without the prompt"),
             qPrintable(page.sentence()));
    const QString text = QGuiApplication::clipboard()->text();
    for (const char* part :
         {"Headroom ", "Qt 6.", "Dear ImGui 1.", "Devices\n0: ", "storage buffer", "ceilings  ",
          "Lanes, in lockstep\nMHA: mha\n", "8 Q \u2192 1 KV, 3 layers",
          "cache f32, batch 1, context 64 of 64", "64 positions, 16 of them the prompt",
          "temperature 0.8, top-k 0, top-p 0.95, seed 1", "full speed", "theme dark, text 100 %",
          "prompt as text, 16 bytes, left out", "Token \"\u2026\" is outside the vocabulary."}) {
      QVERIFY2(text.contains(part), qPrintable(QString("%1\n---\n%2").arg(part, text)));
    }
    QVERIFY2(!text.contains("secret"), qPrintable(text));
    page.entry("Copy diagnostics with the prompt")->trigger();
    QVERIFY(QGuiApplication::clipboard()->text().contains("prompt as text: A secret of mine"));
    QVERIFY(page.sentence().contains("with the prompt"));
  }

  void decodingIsNoReasonToAsk() {
    Page page;
    page.gui.settings.setPace({5.0});
    page.gui.start();
    QTRY_VERIFY(page.gui.length(1) > 17);
    QVERIFY(page.gui.application->session().state().playing);
    bool closed = false;
    QCOMPARE(page.answer("Stay", closed), QString());
    QVERIFY(closed);
  }

  void aFillingIsAskedAbout() {
    Page page;
    page.gui.settings.setLanes({{"slow", 0, {}}});
    page.gui.start();
    QTRY_COMPARE(page.gui.store().laneCount(), 1);
    page.window().workspace().setFill(4000);
    QTRY_VERIFY(page.gui.application->session().state().filling.underWay());
    bool closed = true;
    const QString said = page.answer("Stay", closed);
    QVERIFY2(said.startsWith("Filling the caches ") && said.contains(" of 4,000 positions, "),
             qPrintable(said));
    QVERIFY(!closed && page.window().isVisible());
    QVERIFY(page.gui.application->session().state().filling.underWay());
    QVERIFY(!page.answer("Quit", closed).isEmpty());
    QVERIFY(closed && !page.window().isVisible());
  }

  void aSweepIsAskedAbout() {
    Page page;
    page.gui.settings.setLanes({{"slow", 0, {}}});
    page.gui.start();
    QTRY_COMPARE(page.gui.store().laneCount(), 1);
    QTest::keyClick(&page.window(), Qt::Key_M, Qt::ControlModifier);
    QTRY_VERIFY(page.gui.application->session().state().measuring.underWay);
    bool closed = true;
    const QString said = page.answer("Stay", closed);
    QVERIFY2(said.startsWith("Measuring: batch 1 behind ") && said.endsWith("would be lost."),
             qPrintable(said));
    QVERIFY(!closed && page.window().isVisible());
    page.gui.application->session().cancelMeasuring();
    QTRY_VERIFY_WITH_TIMEOUT(!page.gui.application->session().state().measuring.underWay, 20000);
    QCOMPARE(page.answer("Stay", closed), QString());
    QVERIFY(closed);
  }

  void anOpeningThatTakesLongIsAskedAbout() {
    Page page;
    page.gui.start();
    QTRY_COMPARE(page.gui.length(1), 64);
    page.window().workspace().addLane("gate");
    QTRY_VERIFY(page.gui.application->session().state().opening.underWay());
    QTest::qWait(1200);  // a short one is none to wait for
    bool closed = true;
    const QString said = page.answer("Stay", closed);
    QVERIFY2(said.startsWith("Opening gate: 25 %"), qPrintable(said));
    QVERIFY(!closed);
    page.gate = true;
    QTRY_COMPARE(page.gui.store().laneCount(), 3);
    QCOMPARE(page.answer("Stay", closed), QString());
    QVERIFY(closed);
  }
};

HEADROOM_GUI_TEST_MAIN(TestHelp)
#include "tst_help.moc"
