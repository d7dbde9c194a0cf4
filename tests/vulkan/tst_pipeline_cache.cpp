#include <QTemporaryDir>
#include <QTest>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/vulkan/check.h"
#include "core/vulkan/pipeline_cache.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t hashOf(const std::string& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace

/// The file around the driver's bytes. Mesa's software driver gives a header only (it has a cache of its
/// own), so the files here are written by hand: the driver's header, then bytes that it does not look at.
class TestPipelineCache : public QObject {
  Q_OBJECT

  tests::VulkanDevice m_vulkan;
  QTemporaryDir m_folder;
  VkPhysicalDeviceProperties m_properties{};

  vulkan::PipelineCache open() {
    return {m_vulkan.device.get(), m_properties, m_folder.path().toStdString()};
  }

  std::string driverBytes() const {
    VkPipelineCacheHeaderVersionOne header{.headerSize = sizeof header,
                                           .headerVersion = VK_PIPELINE_CACHE_HEADER_VERSION_ONE,
                                           .vendorID = m_properties.vendorID,
                                           .deviceID = m_properties.deviceID};
    std::memcpy(header.pipelineCacheUUID, m_properties.pipelineCacheUUID, VK_UUID_SIZE);
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
  }
  static std::string file(const std::string& driver) {
    const std::uint64_t numbers[] = {driver.size(), hashOf(driver)};
    std::string bytes = "HRPIPE01";
    bytes.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
    return bytes + driver;
  }

 private slots:
  void initTestCase() {
    const VkPhysicalDevice physical =
        m_vulkan.instance.physicalDevices().at(static_cast<std::size_t>(m_vulkan.device.info().index));
    vkGetPhysicalDeviceProperties(physical, &m_properties);
  }
  void cleanup() { QCOMPARE(m_vulkan.firstValidationError(), std::string()); }

  void aWholeFileIsGivenToTheDriver() {
    std::ofstream(open().path(), std::ios::binary) << file(driverBytes());
    QCOMPARE(open().loadedBytes(), static_cast<std::uint64_t>(driverBytes().size()));
  }

  void whateverElseIsNot_data() {
    QTest::addColumn<QByteArray>("bytes");
    const auto row = [](const char* name, const std::string& bytes) {
      QTest::newRow(name) << QByteArray::fromStdString(bytes);
    };
    VkPhysicalDevice physical = m_vulkan.instance.physicalDevices().at(0);
    vkGetPhysicalDeviceProperties(physical, &m_properties);
    const std::string whole = file(driverBytes());
    const auto changed = [&](std::size_t at) {
      std::string driver = driverBytes();
      driver[at] ^= 1;
      return file(driver);
    };
    row("no bytes", "");
    row("a header only", whole.substr(0, 24));
    row("cut off", whole.substr(0, whole.size() - 1));
    row("too long", whole + "x");
    row("a flipped bit", [&] {
      std::string flipped = whole;
      flipped.back() ^= 1;
      return flipped;
    }());
    row("of another kind", "HRPIPE02" + whole.substr(8));
    row("another header size", changed(0));
    row("another header version", changed(4));
    row("another vendor", changed(8));
    row("another device", changed(12));
    row("another driver build", changed(16));
  }
  void whateverElseIsNot() {
    QFETCH(QByteArray, bytes);
    std::ofstream(open().path(), std::ios::binary) << bytes.toStdString();
    const vulkan::PipelineCache cache = open();
    QCOMPARE(cache.loadedBytes(), std::uint64_t{0});
    QVERIFY(cache.get() != VK_NULL_HANDLE);
  }

  void aFolderThatCannotBeWrittenIsNoError() {
    std::ofstream(m_folder.filePath("plain").toStdString()) << "a file where a folder must be";
    vulkan::PipelineCache cache(m_vulkan.device.get(), m_properties,
                                m_folder.filePath("plain/below").toStdString());
    cache.save();
    QVERIFY(cache.get() != VK_NULL_HANDLE);
    vulkan::PipelineCache none(m_vulkan.device.get(), m_properties, "");
    none.save();
    QVERIFY(none.path().empty());
  }

  /// What a driver with a cache of its own wrote comes back; others leave no file.
  void savedIsLoaded() {
    QTemporaryDir folder;
    vulkan::PipelineCache cache(m_vulkan.device.get(), m_properties, folder.path().toStdString());
    std::size_t bytes = 0;
    QCOMPARE(vkGetPipelineCacheData(m_vulkan.device.get(), cache.get(), &bytes, nullptr), VK_SUCCESS);
    cache.save();
    const bool worthKeeping = bytes > sizeof(VkPipelineCacheHeaderVersionOne);
    QCOMPARE(fs::exists(cache.path()), worthKeeping);
    if (!worthKeeping) return;
    const vulkan::PipelineCache again(m_vulkan.device.get(), m_properties, folder.path().toStdString());
    QCOMPARE(again.loadedBytes(), static_cast<std::uint64_t>(bytes));
    QVERIFY(read(cache.path()).size() > bytes);
  }
};

QTEST_GUILESS_MAIN(TestPipelineCache)
#include "tst_pipeline_cache.moc"
