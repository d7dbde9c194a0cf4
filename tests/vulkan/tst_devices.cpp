#include <QTemporaryDir>
#include <QTest>
#include <filesystem>

#include "core/vulkan/check.h"
#include "core/vulkan/device.h"
#include "core/vulkan/time_stamps.h"
#include "tests/support/fault_control.h"

using namespace headroom;
namespace fs = std::filesystem;

namespace {

const QString kQueueFamilies = "vkGetPhysicalDeviceQueueFamilyProperties";

/// Mesa's software driver, as the environment or the system names it; empty without one.
std::string softwareDriver() {
  const std::string named = qgetenv("VK_DRIVER_FILES").toStdString();
  if (!named.empty()) return named.substr(0, named.find(':'));
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator("/usr/share/vulkan/icd.d", ignored)) {
    if (file.path().filename().string().starts_with("lvp")) return file.path().string();
  }
  return {};
}

}  // namespace

/// Two devices, of which the fault layer takes the compute queue of one away, and time stamps by hand.
class TestDevices : public QObject {
  Q_OBJECT

  tests::FaultControl m_faults;

 private slots:
  void initTestCase() {
    const vulkan::Instance instance;  // the layer is loaded with it
    QVERIFY(m_faults.load());
    if (instance.physicalDevices().size() < 2) QSKIP("The software driver could not be given twice.");
  }
  void cleanup() { m_faults.clear(); }

  /// Fails where a device that cannot compute ends the list, moves the others' indices, or is chosen.
  void aDeviceWithoutComputeQueueIsListed_data() {
    QTest::addColumn<int>("without");
    QTest::newRow("the first") << 0;
    QTest::newRow("the second") << 1;
  }
  void aDeviceWithoutComputeQueueIsListed() {
    QFETCH(int, without);
    const vulkan::Instance instance;
    const auto inject = [&] {
      m_faults.inject(kQueueFamilies, static_cast<std::uint64_t>(without) + 1, VK_ERROR_UNKNOWN);
    };
    inject();
    const std::vector<vulkan::DeviceInfo> devices = vulkan::listDevices(instance);
    QVERIFY(m_faults.fired());
    QCOMPARE(devices.size(), std::size_t{2});
    for (int index = 0; index < 2; ++index) {
      const vulkan::DeviceInfo& info = devices[static_cast<std::size_t>(index)];
      QCOMPARE(info.index, index);
      QCOMPARE(info.computeQueueFamily.has_value(), index != without);
      QCOMPARE(info.timestampPeriodNs > 0.0, index != without);
      QVERIFY(!info.name.empty() && info.memoryBytes > 0);
    }
    inject();
    QCOMPARE(vulkan::chooseDevice(instance, "").index, 1 - without);
    inject();
    const vulkan::DeviceInfo chosen = vulkan::chooseDevice(instance, std::to_string(without));
    QCOMPARE(chosen.index, without);
    try {
      const vulkan::Device device(instance, chosen);
      QFAIL("no error was thrown");
    } catch (const vulkan::Error& error) {
      QVERIFY2(QString(error.what()).contains("has no compute queue"), error.what());
    }
  }

  void ticksAreMasked_data() {
    QTest::addColumn<quint64>("earlier");
    QTest::addColumn<quint64>("later");
    QTest::addColumn<quint32>("bits");
    QTest::addColumn<quint64>("ticks");
    QTest::newRow("64 bits") << quint64{1000} << quint64{1750} << 64u << quint64{750};
    QTest::newRow("64 bits begin again") << ~quint64{0} - 9 << quint64{20} << 64u << quint64{30};
    QTest::newRow("36 bits") << quint64{5} << quint64{12} << 36u << quint64{7};
    // 2^36 = 0x10'0000'0000: 16 ticks up to it, 4 behind it.
    QTest::newRow("36 bits begin again") << quint64{0xF'FFFF'FFF0} << quint64{4} << 36u << quint64{20};
    // Above bit 35 stands whatever the device left there.
    QTest::newRow("garbage above 36 bits")
        << quint64{0xABC0'0000'0000'0005} << quint64{0x1230'0000'0000'000C} << 36u << quint64{7};
    QTest::newRow("garbage, and begin again")
        << quint64{0xABCF'FFFF'FFFF'FFF0} << quint64{0x0010'0000'0000'0004} << 36u << quint64{20};
    QTest::newRow("no time stamps") << quint64{5} << quint64{12} << 0u << quint64{0};
  }
  void ticksAreMasked() {
    QFETCH(quint64, earlier);
    QFETCH(quint64, later);
    QFETCH(quint32, bits);
    QFETCH(quint64, ticks);
    QCOMPARE(quint64{vulkan::ticksBetween(earlier, later, bits)}, ticks);
  }
};

int main(int argc, char** argv) {
  QTemporaryDir folder;
  const std::string driver = softwareDriver();
  if (!driver.empty()) {
    const fs::path second = fs::path(folder.path().toStdString()) / "second.json";
    std::error_code ignored;
    fs::copy_file(driver, second, ignored);
    const std::string both = driver + ":" + second.string();
    for (const char* name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES"}) qputenv(name, both.c_str());
  }
  headroom::tests::FaultControl::enable();
  QCoreApplication application(argc, argv);
  TestDevices test;
  return QTest::qExec(&test, argc, argv);
}
#include "tst_devices.moc"
