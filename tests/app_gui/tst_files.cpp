// What the File menu opens and saves, in the real window with real dialogs.
#include <QDropEvent>
#include <QFileDialog>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QPushButton>
#include <QTimer>
#include <QToolButton>
#include <QUrl>

#include "core/formats/trace/trace_file.h"
#include "core/lanes/experiment.h"
#include "tests/app_gui/fake_page.h"

using namespace headroom;

namespace {

struct Page : test::FakePage {
  QStringList sources() {
    QStringList names;
    for (const session::LaneRequest& lane : window().workspace().lanes())
      names << QString::fromStdString(lane.source);
    return names;
  }
  QString sentence() { return window().messages().sentence(); }
  std::string path(const char* name) { return folder.filePath(name).toStdString(); }
  void drop(const std::string& file) {
    QMimeData files;
    files.setUrls({QUrl::fromLocalFile(QString::fromStdString(file))});
    QDropEvent event(QPointF(100, 100), Qt::CopyAction, &files, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&live(), &event);
  }
  /// Types `name` into the file dialog that comes next, and Enter.
  void answerDialog(const std::string& name) {
    QTimer::singleShot(200, &window(), [name] {
      auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
      if (!dialog) return;
      auto* field = dialog->findChild<QLineEdit*>("fileNameEdit");
      field->setText(QString::fromStdString(name));
      QTest::keyClick(field, Qt::Key_Return);
    });
  }
  /// The entry of the menus whose text has `part`; submenus are filled as when they open.
  QAction* entry(const QString& part) {
    for (QMenu* menu : window().findChildren<QMenu*>()) emit menu->aboutToShow();
    for (QAction* action : window().findChildren<QAction*>()) {
      if (action->text().remove('&').contains(part)) return action;
    }
    return nullptr;
  }
};

/// An experiment with lane colours that the first start does not have.
lanes::Experiment example() {
  return {.lanes = {{"gqa", 2, {}}, {"mqa", 3, {}}},
          .prompt = "A bear",
          .sampling = {.temperature = 0.5f, .topK = 7, .seed = 9},
          .tokensPerSecond = 25.0,
          .feed = lanes::TokenFeed::FreeRun};
}

}  // namespace

class TestFiles : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void anExperimentIsDropped() {
    Page page;
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    lanes::writeExperiment(example(), page.path("e.headroom"));
    page.drop(page.path("e.headroom"));
    QTRY_COMPARE(page.sources(), (QStringList{"gqa", "mqa"}));
    QTRY_COMPARE(page.window().findChild<QLineEdit*>("prompt")->text(), QString("A bear"));
    // Controls say what runs: also a pace that the slider has no notch for.
    QStringList labels;
    for (const QLabel* label : page.window().findChildren<QLabel*>()) labels << label->text();
    QVERIFY(labels.contains("25 tok/s"));
    QTRY_VERIFY(page.length(0) > 20);
    const QImage picture = page.picture();
    QTRY_VERIFY(
        test::countPixels(page.picture(), page.live().appearance().palette().lane(2), test::kLeftLane) > 30);
    QVERIFY(test::countPixels(picture, page.live().appearance().palette().lane(3), test::kRightLane) > 30);
    // And back, with the lanes and the prompt from before.
    QTest::keyClick(&page.window(), Qt::Key_G, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_COMPARE(page.sources(), (QStringList{"mha", "mqa"}));
    QTRY_COMPARE(page.window().findChild<QLineEdit*>("prompt")->text(), QString("It is a truth"));
  }

  void anExperimentAsAnArgument() {
    Page page;
    lanes::writeExperiment(example(), page.path("e.headroom"));
    page.start({page.path("e.headroom")});
    QTRY_COMPARE(page.sources(), (QStringList{"gqa", "mqa"}));
    QCOMPARE(page.window().findChild<QLineEdit*>("prompt")->text(), QString("A bear"));
  }

  void oneThatCannotBeReadIsSaidAndTheLanesStay() {
    Page page;
    page.start();
    QTRY_COMPARE(page.sources(), (QStringList{"mha", "mqa"}));
    QFile file(page.folder.filePath("old.headroom"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("{\"format\": \"headroom-experiment\", \"version\": 7}");
    file.close();
    page.drop(file.fileName().toStdString());
    QTRY_VERIFY2(page.sentence().contains("version is 7, this program reads up to version 1"),
                 qPrintable(page.sentence()));
    QCOMPARE(page.sources(), (QStringList{"mha", "mqa"}));
  }

  void savedByTheKeysAndOpenedByTheMenu() {
    Page page;
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    // Without an ending, which the dialog adds.
    page.answerDialog(page.path("mine"));
    QTest::keyClick(&page.window(), Qt::Key_S, Qt::ControlModifier);
    QVERIFY2(page.sentence().contains("is saved as"), qPrintable(page.sentence()));
    const lanes::Experiment saved = lanes::readExperiment(page.path("mine.headroom"));
    QCOMPARE(saved.prompt, std::string("It is a truth"));
    QCOMPARE(saved.lanes.size(), std::size_t{2});
    page.window().workspace().closeLastLane();
    QTRY_COMPARE(page.sources(), QStringList{"mha"});
    page.answerDialog(page.path("mine.headroom"));
    page.entry("Open experiment")->trigger();
    QTRY_COMPARE(page.sources(), (QStringList{"mha", "mqa"}));
  }

  void aPresetFromTheTransportBar() {
    Page page;
    page.settings.setAppearance({.typeSize = session::TypeSize::Presentation});
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    auto* button = page.window().findChild<QToolButton*>("presets");
    QVERIFY(button && button->isVisible());
    // The menu is open until somebody chooses.
    QTimer::singleShot(200, &page.window(), [&] {
      QMenu* menu = button->menu();
      QTest::mouseClick(menu, Qt::LeftButton, Qt::NoModifier,
                        menu->actionGeometry(menu->actions()[0]).center());
    });
    QTest::mouseClick(button, Qt::LeftButton);
    QTRY_COMPARE(page.sources(), (QStringList{"mha", "gqa", "mqa"}));
    QVERIFY(!page.window().appearance().presentation());
    QTRY_VERIFY(page.length(2) > 15);
    // Three lanes in the colours of their chips, from left to right.
    const session::Palette& colors = page.live().appearance().palette();
    const QImage picture = page.picture();
    QVERIFY(test::countPixels(picture, colors.lane(0), {0, 0, 0.33, 0.2}) > 30);
    QVERIFY(test::countPixels(picture, colors.lane(2), {0.34, 0, 0.32, 0.2}) > 30);
    QVERIFY(test::countPixels(picture, colors.lane(1), {0.67, 0, 0.33, 0.2}) > 30);
    // And by keys: every lane with eight sequences, then back.
    QTest::keyClick(&page.window(), Qt::Key_3, Qt::ControlModifier | Qt::AltModifier);
    QTRY_COMPARE(page.store().lane(0).info().batch, 8);
    QTest::keyClick(&page.window(), Qt::Key_G, Qt::ControlModifier | Qt::ShiftModifier);
    QTRY_COMPARE(page.sources(), (QStringList{"mha", "mqa"}));
  }

  void aLaneIsSavedAsATraceByTheMenu() {
    Page page;
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    page.answerDialog(page.path("lane.safetensors"));
    QAction* entry = page.entry(QString("MQA\u2026"));
    QVERIFY(entry);
    entry->trigger();
    QVERIFY2(page.sentence().contains("The trace of MQA is saved as"), qPrintable(page.sentence()));
    const model::Trace trace = formats::readTrace(page.path("lane.safetensors"));
    QCOMPARE(trace.config.attention.kvHeadCount, 1);
    QCOMPARE(static_cast<int>(trace.tokens.size()), 64);
  }
};

HEADROOM_GUI_TEST_MAIN(TestFiles)
#include "tst_files.moc"
