// The preferences dialog in the real window: what is chosen is seen at once, and kept.
#include <QCheckBox>
#include <QComboBox>
#include <QDialog>
#include <QDir>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSlider>
#include <QSpinBox>
#include <QTimer>

#include "app/session/machine.h"
#include "tests/app_gui/fake_page.h"

using namespace headroom;

namespace {

struct Page : test::FakePage {
  /// Opens the dialog by its keys, lets `act` do what a person does in it, and closes it.
  void inDialog(const std::function<void(QDialog&)>& act) {
    bool done = false;
    QTimer::singleShot(200, &window(), [&] {
      auto* dialog = window().findChild<QDialog*>("preferences");
      if (!dialog) return;
      act(*dialog);
      done = true;
      QTest::keyClick(dialog, Qt::Key_Escape);
    });
    QTest::keyClick(&window(), Qt::Key_Comma, Qt::ControlModifier);
    QVERIFY(done);
  }
};

void choose(QDialog& dialog, const char* name, int data) {
  auto* box = dialog.findChild<QComboBox*>(name);
  box->setCurrentIndex(box->findData(data));
  emit box->activated(box->currentIndex());
}

/// Height in pixels of the first lane's title, in its colour, below the line of that colour at the top.
int titleHeight(const QImage& image) {
  const session::Color color = session::paletteOf(session::Theme::Dark).lane(0);
  int rows = 0;
  for (int y = 8; y < 60; ++y) {
    const double row = 1.0 / image.height();
    rows += test::countPixels(image, color, {0.0, y * row, 0.2, 1.5 * row}, 30) > 0 ? 1 : 0;
  }
  return rows;
}

}  // namespace

class TestPreferences : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  void theThemeIsSeenAndKept() {
    Page page;
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    const session::Color light = session::paletteOf(session::Theme::Light).panel;
    QVERIFY(test::countPixels(page.picture(), light, {0, 0, 1, 1}, 0) == 0);
    page.inDialog([](QDialog& dialog) { choose(dialog, "theme", static_cast<int>(session::Theme::Light)); });
    page.settle();
    QTRY_VERIFY(test::countPixels(page.picture(), light, {0, 0, 1, 1}, 0) > 10000);
    QCOMPARE(page.settings.appearance().theme, session::Theme::Light);
    QCOMPARE(qApp->palette().color(QPalette::Window),
             QColor(session::paletteOf(session::Theme::Light).window.red,
                    session::paletteOf(session::Theme::Light).window.green,
                    session::paletteOf(session::Theme::Light).window.blue));
  }

  /// Of Qt's type and of ImGui's, also of widgets that were there before.
  void theTextGrows() {
    Page page;
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    const int labelHeight = QFontMetrics(page.window().findChild<QLineEdit*>("prompt")->font()).height();
    const QImage before = page.picture();
    page.inDialog([](QDialog& dialog) { dialog.findChild<QSlider*>("textSize")->setValue(200); });
    page.settle();
    QCOMPARE(page.settings.appearance().textPercent, 200);
    QCOMPARE(page.live().appearance().textSize(), 26.0f);
    const int grown = QFontMetrics(page.window().findChild<QLineEdit*>("prompt")->font()).height();
    QVERIFY2(grown >= 2 * labelHeight - 2, qPrintable(QString("%1 %2").arg(labelHeight).arg(grown)));
    const QImage after = page.picture();
    const int small = titleHeight(before);
    const int large = titleHeight(after);
    QVERIFY2(small > 5 && std::abs(large - 2 * small) <= 3,
             qPrintable(QString("%1 %2").arg(small).arg(large)));
    page.inDialog([](QDialog& dialog) { dialog.findChild<QSlider*>("textSize")->setValue(100); });
    QCOMPARE(QFontMetrics(page.window().findChild<QLineEdit*>("prompt")->font()).height(), labelHeight);
  }

  void memoryIsGivenUpAtOnce() {
    Page page;
    page.settings.setLanes({{"long", 0, {}}});
    page.start();
    QTRY_VERIFY_WITH_TIMEOUT(page.length(0) == 2048, 60000);
    const std::uint64_t before = page.store().heldBytes();
    page.inDialog([](QDialog& dialog) { dialog.findChild<QSpinBox*>("traceMemory")->setValue(64); });
    QCOMPARE(page.settings.traceBudget(), std::uint64_t{64} << 20);
    QCOMPARE(page.store().budget(), std::uint64_t{64} << 20);
    QVERIFY2(before > page.store().budget(), "the lane held too little for this test");
    QVERIFY(page.store().heldBytes() <= page.store().budget());
    QCOMPARE(page.length(0), 2048);
  }

  void measurementsAreForgotten() {
    QTemporaryDir caches;
    qputenv("XDG_CACHE_HOME", caches.path().toUtf8());
    QDir(caches.path()).mkpath("headroom");
    const QStringList names{"ceilings-a.json", "kernels-b.json", "pipelines-c", "notes.json"};
    for (const QString& name : names) {
      QFile file(caches.filePath("headroom/" + name));
      QVERIFY(file.open(QIODevice::WriteOnly));
    }
    Page page;
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    QString folder;
    QString said;
    QString saidAgain;
    page.inDialog([&](QDialog& dialog) {
      folder = dialog.findChild<QLineEdit*>("measurementsFolder")->text();
      auto* button = dialog.findChild<QPushButton*>("forget");
      QTest::mouseClick(button, Qt::LeftButton);
      said = dialog.findChild<QLabel*>("forgotten")->text();
      QTest::mouseClick(button, Qt::LeftButton);
      saidAgain = dialog.findChild<QLabel*>("forgotten")->text();
    });
    QCOMPARE(folder, caches.filePath("headroom"));
    QVERIFY2(said.startsWith("2 files are forgotten"), qPrintable(said));
    QCOMPARE(saidAgain, QString("Nothing was kept."));
    QCOMPARE(QDir(folder).entryList(QDir::Files), (QStringList{"notes.json", "pipelines-c"}));
  }

  void theDeviceIsKeptForTheNextStart() {
    Page page;
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    const std::vector<session::DeviceFacts> devices = session::listDevices();
    QVERIFY(!devices.empty());
    QString note;
    page.inDialog([&](QDialog& dialog) {
      auto* box = dialog.findChild<QComboBox*>("deviceChoice");
      QCOMPARE(box->currentData().toString(), QString());
      box->setCurrentIndex(box->findData(QString::fromStdString(devices.front().label)));
      emit box->activated(box->currentIndex());
      note = dialog.findChild<QLabel*>("deviceNote")->text();
    });
    QVERIFY2(note.contains("next start") && note.contains("fake device"), qPrintable(note));
    QCOMPARE(page.settings.device(), devices.front().label);
    const session::PreferredDevice found = session::preferredDevice(page.settings.device());
    QCOMPARE(found.argument, std::to_string(devices.front().index));
    QVERIFY(found.note.empty());
    const session::PreferredDevice gone = session::preferredDevice("a card that was sold");
    QVERIFY(gone.argument.empty());
    QVERIFY(gone.note.find("a card that was sold, is not there") != std::string::npos);
    QVERIFY(session::preferredDevice("").note.empty());
  }

  void everythingGoesBackToItsDefault() {
    Page page;
    page.settings.setAppearance({.theme = session::Theme::Light, .textPercent = 150});
    page.settings.setTraceBudget(std::uint64_t{128} << 20);
    page.settings.setDevice("a card that was sold");
    page.start();
    QTRY_COMPARE(page.length(1), 64);
    QCOMPARE(page.live().appearance().textPercent, 150);
    int shown = 0;
    page.inDialog([&](QDialog& dialog) {
      QCOMPARE(dialog.findChild<QComboBox*>("deviceChoice")->currentText(),
               QString("a card that was sold, not there"));
      QTest::mouseClick(dialog.findChild<QPushButton*>("defaults"), Qt::LeftButton);
      shown = dialog.findChild<QSlider*>("textSize")->value();
    });
    QCOMPARE(shown, 100);
    QVERIFY(page.settings.appearance() == session::Appearance());
    QCOMPARE(page.settings.traceBudget(), session::TraceStore::kDefaultBudget);
    QCOMPARE(page.settings.device(), std::string());
    QCOMPARE(page.live().appearance().textPercent, 100);
  }

  /// Fields show fewer digits than an experiment may have: what is not touched stays as it is.
  void aSamplingFieldChangesItsOwnNumberOnly() {
    Page page;
    const model::SamplingOptions exact{.temperature = 0.125f, .topK = 3, .topP = 0.955f, .seed = 1ull << 40};
    page.settings.setSampling(exact);
    page.start();
    QTRY_COMPARE(page.store().laneCount(), 2);
    auto* popover = page.window().findChild<QFrame*>("samplingPopover");
    const QList<QSpinBox*> boxes = popover->findChildren<QSpinBox*>();
    QCOMPARE(boxes.size(), 2);  // top-k and the seed
    QCOMPARE(boxes[0]->value(), 3);
    boxes[0]->setValue(7);
    model::SamplingOptions wanted = exact;
    wanted.topK = 7;
    QVERIFY(page.settings.sampling() == wanted);
    boxes[1]->setValue(5);
    wanted.seed = 5;
    QVERIFY(page.settings.sampling() == wanted);
  }
};

HEADROOM_GUI_TEST_MAIN(TestPreferences)
#include "tst_preferences.moc"
