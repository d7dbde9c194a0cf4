#include <QTest>
#include <cstring>
#include <random>
#include <vector>

#include "core/vulkan/buffer.h"
#include "core/vulkan/staging_ring.h"
#include "tests/support/vulkan_device.h"

using namespace headroom;

namespace {

constexpr std::uint64_t kSlotBytes = 1ull << 20;  // of the ring

std::vector<std::byte> randomBytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

std::vector<std::byte> read(vulkan::Device& device, const vulkan::Buffer& buffer) {
  std::vector<std::byte> bytes(buffer.bytes());
  vulkan::download(device, buffer, 0, bytes);
  return bytes;
}

}  // namespace

class TestUploads : public QObject {
  Q_OBJECT

  tests::VulkanDevice m_vulkan;

  vulkan::Buffer buffer(std::uint64_t bytes) {
    return {m_vulkan.device, bytes, vulkan::MemoryPlace::Device, "a test"};
  }

 private slots:
  void cleanup() { QCOMPARE(m_vulkan.firstValidationError(), std::string()); }

  void whatIsUploadedIsThere_data() {
    QTest::addColumn<int>("bytes");
    QTest::newRow("four bytes") << 4;
    QTest::newRow("a part of a slot") << 300'000;
    QTest::newRow("one slot") << static_cast<int>(kSlotBytes);
    QTest::newRow("a word more than a slot") << static_cast<int>(kSlotBytes) + 4;
    QTest::newRow("more than the whole ring, twice") << static_cast<int>(7 * kSlotBytes) + 12;
  }
  void whatIsUploadedIsThere() {
    QFETCH(int, bytes);
    const auto data = randomBytes(static_cast<std::size_t>(bytes), 1);
    const vulkan::Buffer target = buffer(data.size());
    {
      auto passing = data;  // may go at once
      vulkan::upload(m_vulkan.device, target, 0, passing);
      std::ranges::fill(passing, std::byte{0});
    }
    QVERIFY(read(m_vulkan.device, target) == data);
  }

  void theRestOfABufferStaysZero() {
    const vulkan::Buffer target = buffer(1 << 20);
    const auto data = randomBytes(4096, 2);
    vulkan::upload(m_vulkan.device, target, 8192, data);
    std::vector<std::byte> expected(target.bytes());
    std::memcpy(expected.data() + 8192, data.data(), data.size());
    QVERIFY(read(m_vulkan.device, target) == expected);
  }

  /// Later data wins, in the order in which it was given, within a slot and beyond.
  void theLastUploadWins() {
    const vulkan::Buffer target = buffer(64 << 10);
    std::vector<std::byte> expected(target.bytes());
    std::mt19937 random(3);
    for (unsigned round = 0; round < 400; ++round) {
      const std::size_t offset = random() % (target.bytes() / 4) * 4;
      const std::size_t room = target.bytes() - offset;
      const auto data = randomBytes(std::min<std::size_t>(room, 4 + random() % 9000 * 4), round);
      vulkan::upload(m_vulkan.device, target, offset, data);
      std::memcpy(expected.data() + offset, data.data(), data.size());
    }
    QVERIFY(read(m_vulkan.device, target) == expected);
  }

  void manyBuffersShareASlot() {
    std::vector<vulkan::Buffer> targets;
    std::vector<std::vector<std::byte>> data;
    for (unsigned index = 0; index < 64; ++index) {
      data.push_back(randomBytes(4 * (1 + index * 37), index));
      targets.push_back(buffer(data.back().size()));
      vulkan::upload(m_vulkan.device, targets.back(), 0, data.back());
    }
    for (std::size_t index = 0; index < targets.size(); ++index)
      QVERIFY(read(m_vulkan.device, targets[index]) == data[index]);
  }

  /// A buffer that goes while its upload waits or runs takes the upload with it: validation would object.
  void aBufferMayGoAtOnce() {
    for (const std::size_t bytes : {std::size_t{4096}, std::size_t{3 * kSlotBytes}}) {
      vulkan::Buffer target = buffer(bytes);
      vulkan::upload(m_vulkan.device, target, 0, randomBytes(bytes, 5));
      vulkan::Buffer moved = std::move(target);
      vulkan::upload(m_vulkan.device, moved, 0, randomBytes(bytes, 6));
      QVERIFY(m_vulkan.device.stagingRing().isBusy());
    }
    QVERIFY(!m_vulkan.device.stagingRing().isBusy());
  }

  void finishingLeavesNothing() {
    const vulkan::Buffer target = buffer(4096);
    vulkan::upload(m_vulkan.device, target, 0, randomBytes(4096, 7));
    QVERIFY(m_vulkan.device.stagingRing().isBusy());
    m_vulkan.device.finishUploads();
    QVERIFY(!m_vulkan.device.stagingRing().isBusy());
  }
};

QTEST_GUILESS_MAIN(TestUploads)
#include "tst_uploads.moc"
