#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/vulkan_device.h"

using namespace headroom;

/// That validation is on in tests, and what happens where it cannot be.
class TestValidation : public QObject {
  Q_OBJECT

 private slots:
  /// A test whose layer was not there, or did not report, would pass whatever it did.
  void anErrorIsReported() {
    tests::VulkanDevice vulkan;
    if (vulkan.instance.validation() == vulkan::Validation::Off) {
      QSKIP("The validation layer is not installed, so no test here validates anything.");
    }
    QCOMPARE(vulkan.firstValidationError(), std::string());
    const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = 0,  // must be greater than 0
                                  .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
    VkBuffer buffer = VK_NULL_HANDLE;
    if (vkCreateBuffer(vulkan.device.get(), &info, nullptr, &buffer) == VK_SUCCESS) {
      vkDestroyBuffer(vulkan.device.get(), buffer, nullptr);
    }
    QVERIFY2(vulkan.firstValidationError().find("VUID-VkBufferCreateInfo-size") != std::string::npos,
             vulkan.firstValidationError().c_str());
  }

  /// Asked for and not installed: one sentence, and the program works.
  void withoutTheLayerItIsOneSentence() {
    QTemporaryDir empty;
    QProcess program;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("HEADROOM_VALIDATION", "1");
    environment.insert("VK_LAYER_PATH", empty.path());
    program.setProcessEnvironment(environment);
    program.start(HEADROOM_BUILD_DIR "/app/headroom-cli",
                  {"decode", "mha", "--tokens", "1,2,3", "--max-tokens", "2"});
    QVERIFY(program.waitForFinished());
    QCOMPARE(program.exitCode(), 0);
    const QByteArray said = program.readAllStandardError();
    QCOMPARE(said.count('\n'), 1);
    QVERIFY2(said.contains("validation layer is not installed"), said);
    QVERIFY(program.readAllStandardOutput().contains("2 tokens"));
  }
};

QTEST_GUILESS_MAIN(TestValidation)
#include "tst_validation.moc"
