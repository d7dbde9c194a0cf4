// Lanes that come, go and change faster than they can be opened: nothing asked for is forgotten.
#include <QAction>
#include <QComboBox>
#include <QDropEvent>
#include <QGuiApplication>
#include <QLineEdit>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QScreen>
#include <QTabWidget>
#include <QTimer>
#include <QToolButton>
#include <QUrl>

#include "tests/app_gui/gui_fixture.h"
#include "tests/lanes/fake_lanes.h"

using namespace headroom;

namespace {

/// Has no memory for more than eight sequences.
class SmallDevice final : public lanes::LaneOpener {
 public:
  lanes::LaneEngine open(const session::LaneRequest& request,
                         const std::function<void(double)>& progress) override {
    if (request.options.batch > 8) throw model::Error("no memory for so many sequences.");
    return m_lanes.open(request, progress);
  }
  model::DeviceCeilings ceilings(model::Freshness freshness) override { return m_lanes.ceilings(freshness); }
  void forgetDevice() override {}

 private:
  test::FakeLaneOpener m_lanes;
};

struct Page : test::GuiFixture {
  Page() : GuiFixture(std::make_unique<SmallDevice>()) { settings.setPrompt("It is a truth"); }

  QStringList sources() {
    QStringList names;
    for (int lane = 0; lane < store().laneCount(); ++lane) {
      names << QFileInfo(QString::fromStdString(store().lane(lane).info().request.source)).fileName();
    }
    return names;
  }
  void drop(const QStringList& paths) {
    QMimeData files;
    QList<QUrl> urls;
    for (const QString& path : paths) urls << QUrl::fromLocalFile(path);
    files.setUrls(urls);
    QDropEvent event(QPointF(100, 100), Qt::CopyAction, &files, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&live(), &event);
  }
  void press(Qt::Key key) { QTest::keyClick(&window(), key, Qt::ControlModifier); }
  /// As a person would choose the entry with `data`.
  void choose(const char* box, int data) {
    auto* combo = window().findChild<QComboBox*>(box);
    QVERIFY2(combo, box);
    const int index = combo->findData(data);
    QVERIFY(index >= 0);
    combo->setCurrentIndex(index);
    emit combo->activated(index);
  }
  QString sentence() { return window().messages().sentence(); }
};

}  // namespace

class TestOpening : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// Fails where a message lies under the page, or on one that has no size yet: it was seen on the Live page
  /// only.
  void aRefusedFileIsToldOnTheModelsPage() {
    Page page;
    page.start();
    QVERIFY(page.drawn());
    QTest::keyClick(&page.window(), Qt::Key_2, Qt::AltModifier);
    page.window().showMessage({session::Severity::Problem, "wrong.gguf: not a GGUF file."});
    const pages::MessageBar& bar = page.window().messages();
    QVERIFY(bar.isVisible());
    QTRY_VERIFY2(bar.width() > 200 && bar.height() > 10 && page.window().rect().contains(bar.geometry()),
                 qPrintable(QString("%1 x %2 at %3").arg(bar.width()).arg(bar.height()).arg(bar.y())));
    // As people see it: its edge is of another colour than the page beside it.
    QTRY_VERIFY([&] {
      const QImage screen = QGuiApplication::primaryScreen()->grabWindow(0).toImage();
      const QPoint edge = bar.mapToGlobal(QPoint(4, bar.height() / 2));
      return screen.pixel(edge) != screen.pixel(edge - QPoint(12, 0));
    }());
  }

  void severalFiles_data() {
    QTest::addColumn<QStringList>("paths");
    QTest::addColumn<QStringList>("lanes");
    QTest::addColumn<QStringList>("named");
    QTest::newRow("two") << QStringList{"/m/a.gguf", "/m/b.gguf"}
                         << QStringList{"mha", "mqa", "a.gguf", "b.gguf"} << QStringList{};
    QTest::newRow("more than there is room for")
        << QStringList{"/m/a.gguf", "/m/b.gguf", "/m/c.gguf", "/m/d.gguf"}
        << QStringList{"mha", "mqa", "a.gguf", "b.gguf"} << QStringList{"c.gguf, d.gguf", "At most 4"};
    QTest::newRow("one that is not there")
        << QStringList{"/m/missing.gguf", "/m/b.gguf"} << QStringList{"mha", "mqa", "b.gguf"}
        << QStringList{"missing.gguf: no such file"};
    QTest::newRow("none that is there")
        << QStringList{"/m/missing1.gguf", "/m/missing2.gguf"} << QStringList{"mha", "mqa"}
        << QStringList{"missing1.gguf: no such", "missing2.gguf: no such"};
  }
  void severalFiles() {
    QFETCH(QStringList, paths);
    QFETCH(QStringList, lanes);
    QFETCH(QStringList, named);
    Page page;
    page.start();
    QTRY_COMPARE(page.store().laneCount(), 2);
    page.drop(paths);
    QTRY_COMPARE(page.sources(), lanes);
    for (const QString& part : named)
      QTRY_VERIFY2(page.sentence().contains(part), qPrintable(page.sentence()));
    QTest::qWait(50);
    QCOMPARE(page.sources(), lanes);
  }

  void aMissingFileOfTheLastStartIsNamed() {
    Page page;
    page.settings.setLanes({{"mha", 0, {}}, {"/m/missing.gguf", 1, {}}, {"mqa", 2, {}}});
    page.start();
    QTRY_COMPARE(page.sources(), (QStringList{"mha", "mqa"}));
    QVERIFY(page.sentence().contains("missing.gguf: no such file"));
    QTRY_VERIFY(page.length(0) > 13 && page.length(1) > 13);
    // What is said later does not hide it.
    page.window().showMessage({session::Severity::Note, "A note."});
    QVERIFY(page.sentence().contains("missing.gguf: no such file") && page.sentence().endsWith("\nA note."));
    page.window().showMessage({session::Severity::Note, "Another note."});
    QVERIFY(page.sentence().endsWith("no such file, expected a GGUF model.\nAnother note."));
    QTest::keyClick(&page.window(), Qt::Key_Escape);
    QVERIFY(page.sentence().isEmpty());
    page.window().showMessage({session::Severity::Note, "A note."});
    QCOMPARE(page.sentence(), QString("A note."));
  }

  /// Progress is one message, whose words change.
  void progressDoesNotFloodTheHistory() {
    Page page;
    page.start();
    QTRY_COMPARE(page.store().laneCount(), 2);
    pages::MessageBar& bar = page.window().messages();
    const qsizetype before = bar.history().size();
    bar.show({session::Severity::Note, "Opening it: 1 %"}, "Cancel", [] {});
    for (int percent = 2; percent < 50; ++percent)
      bar.renew({session::Severity::Note, "Opening it: " + std::to_string(percent) + " %"}, "Cancel", [] {});
    QCOMPARE(bar.history().size(), before + 1);
    QCOMPARE(bar.history().back(), QString("Opening it: 49 %"));
    QCOMPARE(bar.note(), QString("Opening it: 49 %"));
  }

  void moreFilesThanLanesAtTheStart() {
    Page page;
    page.start({"a", "missing", "c", "d", "e"});
    QTRY_COMPARE(page.sources(), (QStringList{"a", "c", "d"}));
    QVERIFY2(page.sentence().contains("not opened: e"), qPrintable(page.sentence()));
    QVERIFY2(page.sentence().contains("missing: no such file"), qPrintable(page.sentence()));
  }

  void closingTwiceQuickly() {
    Page page;
    page.start({"a", "b", "c", "d"});
    QTRY_COMPARE(page.store().laneCount(), 4);
    page.press(Qt::Key_W);
    page.press(Qt::Key_W);
    QTRY_COMPARE(page.sources(), (QStringList{"a", "b"}));
    page.press(Qt::Key_Z);
    page.press(Qt::Key_Z);
    QTRY_COMPARE(page.sources(), (QStringList{"a", "b", "c", "d"}));
    // The crosses of two chips, before the first lane is gone.
    const QList<QToolButton*> crosses = page.window().findChildren<QToolButton*>("closeLane");
    QCOMPARE(crosses.size(), 4);
    QTest::mouseClick(crosses[0], Qt::LeftButton);
    QTest::mouseClick(crosses[2], Qt::LeftButton);
    QTRY_COMPARE(page.sources(), (QStringList{"b", "d"}));
    page.press(Qt::Key_Z);
    page.press(Qt::Key_Z);
    QTRY_COMPARE(page.sources(), (QStringList{"a", "b", "c", "d"}));
  }

  void aLaneOpenedWhileAnotherCloses() {
    Page page;
    page.start({"a", "b"});
    QTRY_COMPARE(page.store().laneCount(), 2);
    page.press(Qt::Key_W);
    page.drop({"/m/c.gguf"});
    QTRY_COMPARE(page.sources(), (QStringList{"a", "c.gguf"}));
  }

  void twoOptionsQuickly() {
    Page page;
    page.start({"a", "b"});
    QTRY_COMPARE(page.store().laneCount(), 2);
    page.choose("batch", 8);
    page.choose("kvType", static_cast<int>(model::KvType::F16));
    const auto holds = [&](int lane) {
      const session::LaneOptions& options = page.store().lane(lane).info().request.options;
      return options.batch == 8 && options.kvType == model::KvType::F16;
    };
    QTRY_VERIFY(holds(0) && holds(1));
  }

  void anOptionThatCannotBeHadLeavesTheLanes() {
    Page page;
    page.start({"a", "b"});
    QTRY_VERIFY(page.length(1) > 20);
    page.choose("batch", 64);
    QTRY_VERIFY(page.sentence().contains("no memory"));
    QTRY_COMPARE(page.window().findChild<QComboBox*>("batch")->currentData().toInt(), 1);
    QCOMPARE(page.store().lane(0).info().request.options.batch, 1);
    QVERIFY(page.length(1) > 20);
  }

  void thePromptAsTokenIds() {
    Page page;
    page.settings.setPrompt("It is");
    page.start({"a"});
    QTRY_VERIFY(page.length(0) > 5);
    auto* prompt = page.window().findChild<QLineEdit*>("prompt");
    QTest::keyClick(&page.window(), Qt::Key_I, Qt::ControlModifier | Qt::ShiftModifier);
    // The fake tokenizer's ids are bytes.
    QCOMPARE(prompt->text(), QString("73, 116, 32, 105, 115"));
    prompt->setText("256, 7 299");
    QTest::keyClick(prompt, Qt::Key_Return);
    const auto begins = [&](std::vector<int> ids) {
      return page.length(0) >= std::ssize(ids) &&
             std::ranges::equal(ids, page.store().lane(0).tokens().first(ids.size()));
    };
    QTRY_VERIFY(begins({256, 7, 299}));
    QCOMPARE(page.store().lane(0).promptLength(), 3);
    for (const auto& [text, part] : {std::pair("1, two", "\"two\""), std::pair("1, -3", "\"-3\""),
                                     std::pair("300", "Token 300 is outside the vocabulary of 300 tokens"),
                                     std::pair(" ", "at least one token id")}) {
      prompt->setText(text);
      QTest::keyClick(prompt, Qt::Key_Return);
      QTRY_VERIFY2(page.sentence().contains(part), qPrintable(page.sentence()));
    }
    QTest::keyClick(&page.window(), Qt::Key_I, Qt::ControlModifier | Qt::ShiftModifier);
    QCOMPARE(prompt->text(), QString("It is"));
    QTRY_VERIFY(begins({73, 116, 32, 105, 115}));
  }

  void aboutShowsVersionAndLicenses() {
    Page page;
    page.start({"a"});
    QTRY_COMPARE(page.store().laneCount(), 1);
    QString license;
    QString components;
    QTimer::singleShot(100, &page.window(), [&] {
      auto* about = page.window().findChild<QDialog*>("about");
      if (!about) return;
      license = about->findChild<QPlainTextEdit*>("license")->toPlainText();
      components = about->findChild<QPlainTextEdit*>("components")->toPlainText();
      about->close();
    });
    for (QAction* action : page.window().findChildren<QAction*>()) {
      if (action->text() == "&About Headroom") action->trigger();
    }
    QVERIFY(license.contains("GNU GENERAL PUBLIC LICENSE"));
    QVERIFY(components.contains("QCustomPlot"));
  }
};

HEADROOM_GUI_TEST_MAIN(TestOpening)
#include "tst_opening.moc"
