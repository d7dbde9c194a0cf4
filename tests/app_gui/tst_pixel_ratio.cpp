// The window at device pixel ratio 2: everything as large as at 1, in twice the pixels, under the mouse where
// it is seen.
#include <QDialog>
#include <QLabel>
#include <QTimer>

#include "app/view/theme.h"
#include "tests/app_gui/fake_page.h"
#include "tests/app_gui/text_match.h"

using namespace headroom;
using test::find;
using test::inkOn;
using test::paintedText;

namespace {

constexpr int kRatio = 2;

bool isColor(QRgb pixel, session::Color color) {
  return qRed(pixel) == color.red && qGreen(pixel) == color.green && qBlue(pixel) == color.blue;
}

}  // namespace

class TestPixelRatio : public QObject {
  Q_OBJECT

 private slots:
  void cleanup() { QCOMPARE(test::validationErrorCount().load(), 0); }

  /// Words in the canvas have the size and the sharpness that Qt gives them in so many pixels.
  void wordsAreSharpAndOfTheirSize() {
    test::FakePage page;
    QVERIFY(page.startPaused());
    page.window().messages().dismiss();
    page.window().resize(1280, 720);
    QTRY_COMPARE(page.window().size(), QSize(1280, 720));
    QCOMPARE(page.live().devicePixelRatio(), static_cast<double>(kRatio));
    const QImage image = page.picture();
    QCOMPARE(image.size(), page.live().size() * kRatio);
    QFont font = view::qtFont(page.live().appearance());
    const session::Color ground = page.live().appearance().palette().panel;
    const test::Ink top = inkOn(image.copy(0, 0, image.width() / 2, image.height() / 3),
                                QColor(ground.red, ground.green, ground.blue));
    const auto likeness = [&](int pixels) {
      font.setPixelSize(pixels);
      return find(inkOn(paintedText("layers", font), Qt::black), top).likeness;
    };
    const double size = kRatio * (page.live().appearance().textSize() - 1.5);
    const double sharp = likeness(static_cast<int>(std::lround(size)));
    QVERIFY2(sharp > test::kSame, qPrintable(QString::number(sharp)));
    QVERIFY(sharp > likeness(static_cast<int>(std::lround(size / kRatio))));
  }

  /// A map is hit where it is drawn, up to its edges.
  void aClickHitsWhatIsUnderIt() {
    test::FakePage page;
    QVERIFY(page.startPaused());
    page.window().messages().dismiss();
    page.window().resize(1280, 720);
    QTRY_COMPARE(page.window().size(), QSize(1280, 720));
    page.moveMouse({2, 2});
    const QImage image = page.picture();
    // The empty halves of maps, in pixels: across the first row of them in the left lane.
    const session::Color empty = page.live().appearance().palette().mapGround;
    const int lane = image.width() / 2;
    for (int y = image.height() / 4; y < image.height() * 3 / 4; ++y) {
      std::vector<QRect> runs;
      for (int x = 0; x < lane; ++x) {
        if (!isColor(image.pixel(x, y), empty)) continue;
        if (runs.empty() || runs.back().right() + 1 != x) runs.emplace_back(x, y, 1, 1);
        runs.back().setRight(x);
      }
      if (runs.size() != 8 || runs.front().width() < 20) continue;
      for (int head = 0; head < 8; ++head) {
        const QRect& run = runs[static_cast<std::size_t>(head)];
        for (const int x : {run.left() + 2, run.right() - 1}) {
          page.selection().setHead(std::nullopt);
          page.settle();
          const QPoint at(x / kRatio, y / kRatio + 2);
          page.moveMouse(at);
          QTest::mouseClick(&page.live(), Qt::LeftButton, {}, at);
          QTRY_VERIFY(page.selection().head().has_value());
          QCOMPARE(*page.selection().head(), (session::HeadAddress{0, 0, head}));
        }
      }
      return;
    }
    QFAIL("no row of maps is in sight");
  }

  /// A dialog that opens smaller than it wants to be, as a screen of few points makes it, has room for all
  /// lines of what is said below its controls.
  void notesOfPreferencesAreWhole() {
    test::FakePage page;
    QVERIFY(page.startPaused());
    int notes = 0;
    QStringList cut;
    QTimer::singleShot(300, &page.window(), [&] {
      auto* dialog = page.window().findChild<QDialog*>("preferences");
      for (const QLabel* label : dialog->findChildren<QLabel*>()) {
        if (!label->wordWrap() || label->text().isEmpty()) continue;
        const QRect needed = label->fontMetrics().boundingRect(QRect(0, 0, label->width(), 10000),
                                                               Qt::TextWordWrap, label->text());
        if (label->height() < needed.height()) cut.append(label->text());
        ++notes;
      }
      QTest::keyClick(dialog, Qt::Key_Escape);
    });
    QTest::keyClick(&page.window(), Qt::Key_Comma, Qt::ControlModifier);
    QVERIFY(notes >= 3);
    QCOMPARE(cut, QStringList());
  }

  /// A message lies over the canvas, which is a window of its own, as wide as it says.
  void aMessageLiesWithinTheView() {
    test::FakePage page;
    QVERIFY(page.startPaused());
    page.window().resize(1024, 640);
    QTRY_COMPARE(page.window().size(), QSize(1024, 640));
    page.settle();
    page.window().showMessage({session::Severity::Note, "A sentence."});
    const pages::MessageBar& bar = page.window().messages();
    QTRY_VERIFY(bar.isVisible());
    const QRect view(page.live().mapToGlobal(QPoint(0, 0)), page.live().size());
    QTRY_VERIFY(view.contains(QRect(bar.mapToGlobal(QPoint(0, 0)), bar.size())));
  }
};

int main(int argc, char** argv) {
  qputenv("QT_SCALE_FACTOR", "2");
  qputenv("HEADROOM_VALIDATION", "1");
  QApplication app(argc, argv);
  QApplication::setStyle(QStyleFactory::create("Fusion"));
  TestPixelRatio test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_pixel_ratio.moc"
