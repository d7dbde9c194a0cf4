#include "core/lanes/device_lanes.h"
#include "tests/app_gui/gui_fixture.h"
#include "tests/support/fault_control.h"

using namespace headroom;
using tests::FaultScope;

namespace {

/// The application with a bundled model, decoding.
struct Page : test::GuiFixture {
  Page() : GuiFixture(lanes::deviceLanes()) { settings.setPace({0.0}); }
  bool decoding() {
    start({"mha"});
    application->session().setLanes({{"mha", 0}});
    application->session().play();
    return QTest::qWaitFor([this] { return store().laneCount() == 1 && length(0) > 20; }, 20000);
  }
  QString sentence() { return window().findChild<pages::MessageBar*>()->sentence(); }
  bool says(const QString& part) {
    return QTest::qWaitFor([this, part] { return sentence().contains(part); }, 10000);
  }
  bool draws() {
    return QTest::qWaitFor(
        [this] {
          const session::Color dark = session::colorOf(session::ColorMap::Viridis, 0.0);
          return test::countPixels(picture(), dark, {0, 0, 1, 0.9}, 12) > 300;
        },
        10000);
  }
  /// Play decodes on, or the same text again.
  bool decodesAgain() {
    const std::vector<int> before(store().lane(0).tokens().begin(), store().lane(0).tokens().end());
    application->session().play();
    return QTest::qWaitFor([&] { return length(0) > static_cast<int>(before.size()) + 10; }, 20000) &&
           std::ranges::equal(store().lane(0).tokens().first(before.size()), before);
  }
};

}  // namespace

/// What the real window does when the devices below it fail.
class TestFaultsGui : public QObject {
  Q_OBJECT

  tests::FaultControl m_faults;

 private slots:
  void initTestCase() {
    Page page;
    QVERIFY(page.decoding());
    QVERIFY(m_faults.load());
  }
  void cleanup() {
    m_faults.clear();
    // Qt handles faults of the window's own queue and swap chain with fences and semaphores of its own, which
    // the validation layer then finds in use.
    const int errors = test::validationErrorCount().exchange(0);
    if (QString(QTest::currentTestFunction()) != "theWindowFails") QCOMPARE(errors, 0);
  }

  void theDecodersFail_data() {
    QTest::addColumn<QString>("function");
    QTest::addColumn<int>("result");
    QTest::addColumn<QString>("says");
    const auto row = [](const char* name, const char* function, VkResult result, const char* says) {
      QTest::newRow(name) << function << static_cast<int>(result) << says;
    };
    row("loss at submit", "vkQueueSubmit", VK_ERROR_DEVICE_LOST, "press play to open the device again");
    row("loss while waiting", "vkWaitForFences", VK_ERROR_DEVICE_LOST, "press play to open the device again");
    row("loss at the time stamps", "vkGetQueryPoolResults", VK_ERROR_DEVICE_LOST, "press play to open");
    row("no memory at submit", "vkQueueSubmit", VK_ERROR_OUT_OF_DEVICE_MEMORY, "out of memory");
    row("no host memory while waiting", "vkWaitForFences", VK_ERROR_OUT_OF_HOST_MEMORY, "out of memory");
  }
  void theDecodersFail() {
    QFETCH(QString, function);
    QFETCH(int, result);
    QFETCH(QString, says);
    Page page;
    QVERIFY(page.decoding());
    m_faults.inject(function, 3, static_cast<VkResult>(result), FaultScope::Engine);
    QVERIFY(page.says(says));
    QVERIFY(m_faults.fired());
    QTRY_VERIFY(!page.application->session().state().playing);
    const int length = page.length(0);
    QVERIFY(length > 20);
    QVERIFY(page.draws());
    QCOMPARE(page.length(0), length);      // the text stays
    if (result == VK_ERROR_DEVICE_LOST) {  // one step goes on from there, and not from the prompt
      page.application->session().stepOne();
      QTRY_VERIFY_WITH_TIMEOUT(page.length(0) > length, 20000);
    }
    QVERIFY(page.decodesAgain());
  }

  void aLaneThatDoesNotFitLeavesTheOthersRunning() {
    Page page;
    page.settings.setPace({20.0});
    QVERIFY(page.decoding());
    m_faults.inject("vkAllocateMemory", 5, VK_ERROR_OUT_OF_DEVICE_MEMORY, FaultScope::Engine);
    page.application->session().setLanes({{"mha", 0}, {"mqa", 1}});
    QVERIFY(page.says("out of memory"));
    QVERIFY(m_faults.fired());
    QCOMPARE(page.store().laneCount(), 1);
    const int length = page.length(0);
    QTRY_VERIFY(page.length(0) > length);
    // And it fits when there is room again.
    page.application->session().setLanes({{"mha", 0}, {"mqa", 1}});
    QTRY_COMPARE_WITH_TIMEOUT(page.store().laneCount(), 2, 20000);
    QTRY_VERIFY_WITH_TIMEOUT(page.length(1) > 15, 20000);
  }

  void theWindowFails_data() {
    QTest::addColumn<QString>("function");
    QTest::addColumn<int>("result");
    QTest::addColumn<QString>("says");
    const auto row = [](const char* name, const char* function, VkResult result, const char* says) {
      QTest::newRow(name) << function << static_cast<int>(result) << says;
    };
    const char* lost = "lost while drawing";
    row("loss at submit", "vkQueueSubmit", VK_ERROR_DEVICE_LOST, lost);
    row("loss at acquire", "vkAcquireNextImageKHR", VK_ERROR_DEVICE_LOST, lost);
    row("loss at present", "vkQueuePresentKHR", VK_ERROR_DEVICE_LOST, lost);
    row("no memory at present", "vkQueuePresentKHR", VK_ERROR_OUT_OF_DEVICE_MEMORY, "");
    row("no memory at acquire", "vkAcquireNextImageKHR", VK_ERROR_OUT_OF_HOST_MEMORY, "");
    row("swap chain out of date", "vkAcquireNextImageKHR", VK_ERROR_OUT_OF_DATE_KHR, "");
  }
  void theWindowFails() {
    QFETCH(QString, function);
    QFETCH(int, result);
    QFETCH(QString, says);
    Page page;
    QVERIFY(page.decoding());
    QVERIFY(page.draws());
    page.application->session().setPace({20.0});
    m_faults.inject(function, 2, static_cast<VkResult>(result), FaultScope::Window);
    QTRY_VERIFY(m_faults.fired());
    if (!says.isEmpty()) QVERIFY2(page.says(says), qPrintable(page.sentence()));
    QVERIFY(page.draws());
    const int length = page.length(0);
    QTRY_VERIFY(page.length(0) != length);  // decoding was never affected
  }

  /// The maps' own buffers and pipelines: the view says so and draws when there is room.
  void theMapsDoNotFit_data() {
    QTest::addColumn<QString>("function");
    for (const char* function : {"vkCreateDescriptorPool", "vkCreatePipelineLayout", "vkCreateShaderModule",
                                 "vkCreateGraphicsPipelines", "vkCreateBufferView"})
      QTest::newRow(function) << function;
  }
  void theMapsDoNotFit() {
    QFETCH(QString, function);
    m_faults.inject(function, 1, VK_ERROR_OUT_OF_DEVICE_MEMORY, FaultScope::Window);
    Page page;
    QVERIFY(page.decoding());
    QVERIFY(m_faults.fired());
    QVERIFY(page.draws());
  }
};

int main(int argc, char** argv) {
  tests::FaultControl::enable();
  qputenv("HEADROOM_VALIDATION", "1");
  QApplication app(argc, argv);
  QApplication::setStyle(QStyleFactory::create("Fusion"));
  TestFaultsGui test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_faults_gui.moc"
