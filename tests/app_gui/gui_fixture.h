#pragma once

#include <QApplication>
#include <QImage>
#include <QStyleFactory>
#include <QTemporaryDir>
#include <QTest>
#include <atomic>
#include <memory>

#include "app/application.h"
#include "app/pages/message_bar.h"

namespace headroom::test {

/// What the validation layers said through Qt's debug output since the start.
inline std::atomic<int>& validationErrorCount() {
  static std::atomic<int> count = 0;
  return count;
}

/// Counts them while it lives, in front of the test framework's own message handler.
class ValidationCounter {
 public:
  ValidationCounter() { previous() = qInstallMessageHandler(&handle); }
  ~ValidationCounter() { qInstallMessageHandler(previous()); }
  ValidationCounter(const ValidationCounter&) = delete;
  ValidationCounter& operator=(const ValidationCounter&) = delete;

 private:
  static QtMessageHandler& previous() {
    static QtMessageHandler handler = nullptr;
    return handler;
  }
  static void handle(QtMsgType type, const QMessageLogContext& context, const QString& text) {
    const bool layer = text.startsWith("vkDebug");
    if (layer && text.contains("Validation Error")) ++validationErrorCount();
    if (!layer || text.contains("Validation Error")) previous()(type, context, text);
  }
};

/// The real application in a real window around given lanes.
struct GuiFixture {
  ValidationCounter validation;
  QTemporaryDir folder;
  session::Settings settings{folder.filePath("settings.ini")};
  std::unique_ptr<Application> application;
  QElapsedTimer sinceStart;

  explicit GuiFixture(std::unique_ptr<lanes::LaneOpener> factory) {
    application = std::make_unique<Application>(std::move(factory), settings);
  }
  void start(const std::vector<std::string>& files = {}) {
    sinceStart.start();
    application->start(files);
    // Keys reach a window once it is active, which on a busy machine takes a moment.
    QVERIFY(QTest::qWaitForWindowActive(&window(), 10000));
  }
  /// Waits until the window has drawn.
  bool drawn() {
    return QTest::qWaitFor([this] { return live().frameCount() > 0; }, 10000);
  }

  pages::MainWindow& window() { return application->window(); }
  view::LiveWindow& live() { return *application->liveWindow(); }
  session::TraceStore& store() { return application->store(); }
  session::Selection& selection() { return application->selection(); }
  int length(int lane) { return lane < store().laneCount() ? store().lane(lane).length() : 0; }

  /// What the live view shows now.
  QImage picture() {
    const std::uint64_t before = live().frameCount();
    live().requestUpdate();
    if (!QTest::qWaitFor([&] { return live().frameCount() > before; }, 5000)) return {};
    return live().picture();
  }
  void click(const char* name) {
    auto* widget = window().findChild<QWidget*>(name);
    QVERIFY2(widget, name);
    QTest::mouseClick(widget, Qt::LeftButton);
  }
  void moveMouse(QPoint at) {
    QTest::mouseMove(&live(), at);
    settle();
  }
  /// Lets the live view draw what the last event changed.
  void settle() {
    const std::uint64_t before = live().frameCount();
    // An event that changes nothing draws nothing.
    static_cast<void>(QTest::qWaitFor([&] { return live().frameCount() >= before + 2; }, 250));
  }
};

/// Pixels within `tolerance` of a colour, in the part of the picture given in fractions of its size.
inline int countPixels(const QImage& image, session::Color color, QRectF part = {0, 0, 1, 1},
                       int tolerance = 10) {
  int count = 0;
  const QRect area(static_cast<int>(part.x() * image.width()), static_cast<int>(part.y() * image.height()),
                   static_cast<int>(part.width() * image.width()),
                   static_cast<int>(part.height() * image.height()));
  for (int y = area.top(); y <= area.bottom() && y < image.height(); ++y) {
    for (int x = area.left(); x <= area.right() && x < image.width(); ++x) {
      const QRgb pixel = image.pixel(x, y);
      if (std::abs(qRed(pixel) - color.red) <= tolerance &&
          std::abs(qGreen(pixel) - color.green) <= tolerance &&
          std::abs(qBlue(pixel) - color.blue) <= tolerance) {
        ++count;
      }
    }
  }
  return count;
}

/// Share of pixels that differ.
inline double difference(const QImage& a, const QImage& b) {
  if (a.size() != b.size() || a.isNull()) return 1.0;
  int count = 0;
  for (int y = 0; y < a.height(); ++y) {
    for (int x = 0; x < a.width(); ++x) count += a.pixel(x, y) != b.pixel(x, y) ? 1 : 0;
  }
  return static_cast<double>(count) / (a.width() * a.height());
}

inline constexpr QRectF kLeftLane{0.0, 0.0, 0.5, 0.9};
inline constexpr QRectF kRightLane{0.5, 0.0, 0.5, 0.9};

}  // namespace headroom::test

/// main() of a GUI test, with validation layers on.
#define HEADROOM_GUI_TEST_MAIN(Test)                         \
  int main(int argc, char** argv) {                          \
    qputenv("HEADROOM_VALIDATION", "1");                     \
    QApplication app(argc, argv);                            \
    QApplication::setStyle(QStyleFactory::create("Fusion")); \
    Test test;                                               \
    return QTest::qExec(&test, argc, argv);                  \
  }
