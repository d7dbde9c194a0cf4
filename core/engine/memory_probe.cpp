#include "core/engine/memory_probe.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "core/engine/probe_timing.h"
#include "core/vulkan/buffer.h"
#include "core/vulkan/check.h"
#include "core/vulkan/command_buffer.h"
#include "core/vulkan/kernel.h"
#include "core/vulkan/recorder.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::MemoryPoint;

constexpr std::uint32_t kCopyCode[] = {
#include "probe_copy.spv.inc"
};
constexpr std::uint32_t kReadCode[] = {
#include "probe_read.spv.inc"
};
constexpr std::uint32_t kReadTexelsCode[] = {
#include "probe_read_texels.spv.inc"
};

constexpr int kMostCopies = 4096;
constexpr int kMostKernels = 256;  ///< each has a time stamp
constexpr int kMostPasses = 1 << 16;
/// Bytes that one workgroup of probe_read reads at a time.
constexpr std::uint64_t kReadBlock = 16ull * HEADROOM_READ_INVOCATIONS * HEADROOM_READ_UNROLL;
/// Enough to fill any device several times over; each reads many blocks.
constexpr std::uint32_t kMostReaders = 4096;
/// At which size the ways of reading are compared.
constexpr std::uint64_t kTriedBytes = 4ull << 20;
/// A cold read rotates through at least this many times its size.
constexpr std::uint64_t kFewestRotations = 4;
/// Reads are measured at every second size of the copies': a software device takes its time for them.
constexpr std::uint64_t kReadFactor = 4;
/// A point below this part of both its neighbours is a dip.
constexpr double kDip = 0.8;
constexpr int kDipAttempts = 2;

double rate(std::uint64_t bytes, double times, double seconds) {
  return static_cast<double>(bytes) * times / seconds * 1e-9;
}

/// Two buffers that are there already, and commands that copy the start of one to the other, or read it. A
/// device may have an engine for copies that is slower than its kernels (on an H200 850 against 4,290 GB/s),
/// a software device one that is faster: what is reached at most is the larger of the two.
class MemoryProbe {
 public:
  MemoryProbe(vulkan::Device& device, std::uint64_t workingSetBytes)
      : m_device(device),
        m_source(device, workingSetBytes, vulkan::MemoryPlace::Device, "the memory probe"),
        m_target(device, workingSetBytes / 2, vulkan::MemoryPlace::Device, "the memory probe"),
        m_result(device, sizeof(std::uint32_t), vulkan::MemoryPlace::Device, "the memory probe's result"),
        m_commands(device),
        m_copy(device, "copy probe", kCopyCode,
               {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER}, {},
               sizeof(CopyProbeParams)),
        m_read(device, "read probe", kReadCode,
               {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER}, {},
               sizeof(ReadProbeParams)),
        m_readTexels(device, "read probe", kReadTexelsCode,
                     {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER}, {},
                     sizeof(ReadProbeParams)) {
    const std::uint64_t texels = device.info().limits.maxTexelBufferElements;
    m_texelBytes = std::min(workingSetBytes, texels * 16);
    m_texels = vulkan::TexelView(device, m_source, VK_FORMAT_R32G32B32A32_UINT, 0, m_texelBytes);
  }

  /// Bytes read plus bytes written of source and target together, the same again and again.
  double copied(std::uint64_t workingSetBytes) {
    return std::max(copiedByCommands(workingSetBytes), copiedByKernel(workingSetBytes));
  }

  /// The same bytes again and again, within one dispatch: starting it does not count. 0 where the range is
  /// more than one binding sees.
  double read(std::uint64_t workingSetBytes) { return read(fastestReader(), workingSetBytes); }

  /// One dispatch after another, each of other bytes, until those of the first are in no cache any more. 0
  /// where one binding sees too few of them.
  double readCold(std::uint64_t bytes) {
    const Reader& reader = fastestReader();
    const std::uint64_t parts = reader.reach / bytes;
    if (parts < kFewestRotations) return 0.0;
    const auto dispatches = static_cast<int>(std::min<std::uint64_t>(parts, kMostKernels));
    vulkan::Recorder recorder(m_device, dispatches);
    for (int i = 0; i < dispatches; ++i)
      readOnce(recorder, reader, static_cast<std::uint64_t>(i) * bytes, bytes, 1);
    recorder.finish();
    return rate(bytes, dispatches, fastestSeconds([&] { recorder.run(); }));
  }

 private:
  /// A kernel that reads, and how far one binding lets it.
  struct Reader {
    const vulkan::Kernel* kernel;
    vulkan::Binding source;
    std::uint64_t reach;
  };

  /// Which way of reading is the faster one is the same at all sizes.
  const Reader& fastestReader() {
    if (m_reader) return *m_reader;
    const std::uint64_t range =
        std::min<std::uint64_t>(m_device.info().limits.maxStorageBufferRange, m_source.bytes());
    const Reader plain{&m_read, vulkan::Binding::part(m_source, 0, range), range};
    const Reader texels{&m_readTexels, vulkan::Binding::texels(m_texels), m_texelBytes};
    const std::uint64_t tried = std::min({kTriedBytes, plain.reach, texels.reach});
    m_reader = read(plain, tried) >= read(texels, tried) ? plain : texels;
    return *m_reader;
  }

  double read(const Reader& reader, std::uint64_t workingSetBytes) {
    if (workingSetBytes > reader.reach) return 0.0;
    std::optional<vulkan::Recorder> recorder;
    const int passes = repetitions(kMostPasses, [&](int times) {
      recorder.emplace(m_device, 1);
      readOnce(*recorder, reader, 0, workingSetBytes, times);
      recorder->finish();
      return secondsOf([&] { recorder->run(); });
    });
    return rate(workingSetBytes, passes, fastestSeconds([&] { recorder->run(); }));
  }

  void readOnce(vulkan::Recorder& recorder, const Reader& reader, std::uint64_t first, std::uint64_t bytes,
                int passes) const {
    const ReadProbeParams push{.first = static_cast<std::uint32_t>(first / kReadBlock),
                               .blocks = static_cast<std::uint32_t>(bytes / kReadBlock),
                               .passes = static_cast<std::uint32_t>(passes)};
    recorder.dispatch(*reader.kernel, {reader.source, vulkan::Binding::whole(m_result)},
                      {std::min(push.blocks, kMostReaders), 1, 1}, std::as_bytes(std::span(&push, 1)));
  }

  double copiedByCommands(std::uint64_t workingSetBytes) {
    const auto run = [&] { m_device.run(m_commands.get()); };
    record(workingSetBytes / 2, 1);
    run();  // brings the pages
    const int copies = repetitions(kMostCopies, [&](int times) {
      record(workingSetBytes / 2, times);
      return secondsOf(run);
    });
    return rate(workingSetBytes, copies, fastestSeconds(run));
  }

  /// 0 where the range is more than one binding sees.
  double copiedByKernel(std::uint64_t workingSetBytes) {
    const std::uint64_t bytes = workingSetBytes / 2;
    if (bytes > m_device.info().limits.maxStorageBufferRange) return 0.0;
    const CopyProbeParams push{.count = static_cast<std::uint32_t>(bytes / 16)};
    const std::uint32_t groups = (push.count + HEADROOM_COPY_INVOCATIONS - 1) / HEADROOM_COPY_INVOCATIONS;
    const std::uint32_t rows = (groups + HEADROOM_COPY_ROW - 1) / HEADROOM_COPY_ROW;
    std::optional<vulkan::Recorder> recorder;
    const int copies = repetitions(kMostKernels, [&](int times) {
      recorder.emplace(m_device, times);
      for (int i = 0; i < times; ++i) {
        recorder->dispatch(
            m_copy, {vulkan::Binding::part(m_source, 0, bytes), vulkan::Binding::part(m_target, 0, bytes)},
            {std::min<std::uint32_t>(groups, HEADROOM_COPY_ROW), rows, 1},
            std::as_bytes(std::span(&push, 1)));
      }
      recorder->finish();
      return secondsOf([&] { recorder->run(); });
    });
    return rate(workingSetBytes, copies, fastestSeconds([&] { recorder->run(); }));
  }

  void record(std::uint64_t bytes, int copies) {
    const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    vulkan::check(vkBeginCommandBuffer(m_commands.get(), &begin), "record the copy probe");
    const VkMemoryBarrier barrier{
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT};
    const VkBufferCopy copy{.size = bytes};
    for (int i = 0; i < copies; ++i) {
      vkCmdPipelineBarrier(m_commands.get(), VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                           0, 1, &barrier, 0, nullptr, 0, nullptr);
      vkCmdCopyBuffer(m_commands.get(), m_source.get(), m_target.get(), 1, &copy);
    }
    vulkan::check(vkEndCommandBuffer(m_commands.get()), "record the copy probe");
  }

  vulkan::Device& m_device;
  vulkan::Buffer m_source;
  vulkan::Buffer m_target;
  vulkan::Buffer m_result;
  vulkan::TexelView m_texels;
  std::uint64_t m_texelBytes = 0;
  vulkan::CommandBuffer m_commands;
  vulkan::Kernel m_copy;
  vulkan::Kernel m_read;
  vulkan::Kernel m_readTexels;
  std::optional<Reader> m_reader;
};

/// Rates rise with the working set, and fall once it leaves a cache: where a point lies far below both its
/// neighbours something else had the machine, and it is measured again; the fastest counts.
template <typename Measure>
void repeatDips(std::vector<MemoryPoint>& curve, const Measure& measure) {
  for (std::size_t index = 1; index + 1 < curve.size(); ++index) {
    MemoryPoint& point = curve[index];
    const double neighbour =
        std::min(curve[index - 1].gigabytesPerSecond, curve[index + 1].gigabytesPerSecond);
    for (int attempt = 0; attempt < kDipAttempts && point.gigabytesPerSecond < kDip * neighbour; ++attempt)
      point.gigabytesPerSecond = std::max(point.gigabytesPerSecond, measure(point.workingSetBytes));
  }
}

}  // namespace

MemoryCurves probeMemory(vulkan::Device& device) {
  // Doubling working sets, from inside a core's cache (or a GPU's) to several times the last cache.
  const std::uint64_t smallest = device.info().isSoftware() ? 256ull << 10 : 4ull << 20;
  std::uint64_t largest = device.info().isSoftware() ? 256ull << 20 : 2ull << 30;
  while (largest > smallest && largest > device.info().memoryBytes / 4) largest /= 2;
  std::optional<MemoryProbe> probe;
  while (!probe) {
    try {
      probe.emplace(device, largest);
    } catch (const vulkan::Error& error) {
      // The memory may be taken by models: a shorter curve is still true.
      if (error.result() != VK_ERROR_OUT_OF_DEVICE_MEMORY || largest <= smallest) throw;
      largest /= 2;
    }
  }
  MemoryCurves curves;
  const auto keep = [](std::vector<MemoryPoint>& curve, std::uint64_t bytes, double measured) {
    if (measured > 0.0) curve.push_back({.workingSetBytes = bytes, .gigabytesPerSecond = measured});
  };
  for (std::uint64_t bytes = smallest; bytes <= largest; bytes *= 2) {
    keep(curves.copy, bytes, probe->copied(bytes));
  }
  for (std::uint64_t bytes = smallest; bytes <= largest; bytes *= kReadFactor)
    keep(curves.read, bytes, probe->read(bytes));
  for (std::uint64_t bytes = smallest; bytes <= largest / kFewestRotations; bytes *= kReadFactor)
    keep(curves.coldRead, bytes, probe->readCold(bytes));
  repeatDips(curves.copy, [&](std::uint64_t bytes) { return probe->copied(bytes); });
  repeatDips(curves.read, [&](std::uint64_t bytes) { return probe->read(bytes); });
  repeatDips(curves.coldRead, [&](std::uint64_t bytes) { return probe->readCold(bytes); });
  return curves;
}

}  // namespace headroom::engine
