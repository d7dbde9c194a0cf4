#include "core/engine/probes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/model/clock.h"
#include "core/model/statistics.h"
#include "core/vulkan/buffer.h"
#include "core/vulkan/check.h"
#include "core/vulkan/command_buffer.h"
#include "core/vulkan/kernel.h"
#include "core/vulkan/recorder.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

constexpr std::uint32_t kFmaCode[] = {
#include "probe_fma.spv.inc"
};
constexpr std::uint32_t kEmptyCode[] = {
#include "probe_empty.spv.inc"
};
constexpr std::uint32_t kCopyCode[] = {
#include "probe_copy.spv.inc"
};
constexpr std::uint32_t kInvocations = 64;
constexpr std::uint32_t kFmaPerIteration = 16 * 4;
constexpr int kRuns = 7;

/// A run of copies lasts at least this long, so that submitting it (20 to 100 us) does not count.
constexpr double kCopySeconds = 4e-3;
constexpr int kMostCopies = 4096;
constexpr int kMostKernels = 256;  ///< each has a time stamp

template <typename Work>
double secondsOf(const Work& work) {
  const auto start = model::Clock::now();
  work();
  return model::secondsSince(start);
}

template <typename Work>
double medianSeconds(const Work& work) {
  work();  // compiles and warms up
  std::vector<double> seconds;
  for (int run = 0; run < kRuns; ++run) seconds.push_back(secondsOf(work));
  return model::median(seconds);
}

/// How often something that takes `seconds` once is to be done, at most, to be timed well; found by doing it.
template <typename Timed>
int repetitions(int most, const Timed& timed) {
  int times = 1;
  for (double seconds = timed(times); seconds < kCopySeconds && times < most;) {
    times = std::min(most, times * (seconds < kCopySeconds / 8 ? 8 : 2));
    seconds = timed(times);
  }
  return times;
}

/// Two buffers that are there already, and commands that copy the start of one to the other. A device may
/// have an engine for copies that is slower than its kernels (on an H200 850 against 4,290 GB/s), a software
/// device one that is faster: what is reached at most is the larger of the two.
class CopyProbe {
 public:
  CopyProbe(vulkan::Device& device, std::uint64_t workingSetBytes)
      : m_device(device),
        m_source(device, workingSetBytes / 2, vulkan::MemoryPlace::Device, "the copy probe"),
        m_target(device, workingSetBytes / 2, vulkan::MemoryPlace::Device, "the copy probe"),
        m_commands(device),
        m_kernel(device, "copy probe", kCopyCode,
                 {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER}, {},
                 sizeof(CopyProbeParams)) {}

  double gigabytesPerSecond(std::uint64_t workingSetBytes) {
    return std::max(byCommands(workingSetBytes), byKernel(workingSetBytes));
  }

 private:
  double byCommands(std::uint64_t workingSetBytes) {
    const auto run = [&] { m_device.run(m_commands.get()); };
    record(workingSetBytes / 2, 1);
    run();  // brings the pages
    const int copies = repetitions(kMostCopies, [&](int times) {
      record(workingSetBytes / 2, times);
      return secondsOf(run);
    });
    return static_cast<double>(workingSetBytes) * copies / medianSeconds(run) * 1e-9;
  }

  /// 0 where the range is more than one binding sees.
  double byKernel(std::uint64_t workingSetBytes) {
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
            m_kernel, {vulkan::Binding::part(m_source, 0, bytes), vulkan::Binding::part(m_target, 0, bytes)},
            {std::min<std::uint32_t>(groups, HEADROOM_COPY_ROW), rows, 1},
            std::as_bytes(std::span(&push, 1)));
      }
      recorder->finish();
      return secondsOf([&] { recorder->run(); });
    });
    const double seconds = medianSeconds([&] { recorder->run(); });
    return static_cast<double>(workingSetBytes) * copies / seconds * 1e-9;
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
  vulkan::CommandBuffer m_commands;
  vulkan::Kernel m_kernel;
};

/// Doubling working sets, from inside a core's cache (or a GPU's) to several times the last cache.
std::vector<model::CopyPoint> copyCurve(vulkan::Device& device) {
  const std::uint64_t smallest = device.info().isSoftware() ? 256ull << 10 : 4ull << 20;
  std::uint64_t largest = device.info().isSoftware() ? 256ull << 20 : 2ull << 30;
  while (largest > smallest && largest > device.info().memoryBytes / 4) largest /= 2;
  std::optional<CopyProbe> probe;
  while (!probe) {
    try {
      probe.emplace(device, largest);
    } catch (const vulkan::Error& error) {
      // The memory may be taken by models: a shorter curve is still true.
      if (error.result() != VK_ERROR_OUT_OF_DEVICE_MEMORY || largest <= smallest) throw;
      largest /= 2;
    }
  }
  std::vector<model::CopyPoint> curve;
  for (std::uint64_t bytes = smallest; bytes <= largest; bytes *= 2)
    curve.push_back({.workingSetBytes = bytes, .gigabytesPerSecond = probe->gigabytesPerSecond(bytes)});
  return curve;
}

double dispatchSeconds(vulkan::Device& device, std::span<const std::uint32_t> code,
                       std::span<const std::uint32_t> constants, std::uint32_t workgroups, int dispatches) {
  const vulkan::Buffer result(device, workgroups * kInvocations * sizeof(float), vulkan::MemoryPlace::Device,
                              "a probe's result");
  const vulkan::Kernel kernel(device, "probe", code, {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER}, constants);
  vulkan::Recorder recorder(device, dispatches);
  for (int i = 0; i < dispatches; ++i)
    recorder.dispatch(kernel, {vulkan::Binding::whole(result)}, {workgroups, 1, 1});
  recorder.finish();
  return medianSeconds([&] { recorder.run(); });
}

double fmaGflops(vulkan::Device& device) {
  const std::uint32_t workgroups = device.info().isSoftware() ? 64 : 16384;
  const std::array<std::uint32_t, 1> iterations{device.info().isSoftware() ? 4096u : 2048u};
  const double seconds = dispatchSeconds(device, kFmaCode, iterations, workgroups, 1);
  return 2.0 * kFmaPerIteration * iterations[0] * kInvocations * static_cast<double>(workgroups) / seconds *
         1e-9;
}

/// The difference of a long and a short row of dispatches: submitting and waiting drop out.
double emptyDispatchUs(vulkan::Device& device) {
  constexpr int kShort = 64;
  constexpr int kLong = 320;
  const double shortSeconds = dispatchSeconds(device, kEmptyCode, {}, 1, kShort);
  const double longSeconds = dispatchSeconds(device, kEmptyCode, {}, 1, kLong);
  return std::max(0.0, (longSeconds - shortSeconds) / (kLong - kShort) * 1e6);
}

}  // namespace

model::DeviceCeilings probeDevice(vulkan::Device& device) {
  return {.device = device.info().name,
          .driver = device.info().driver,
          .date = model::dateText(),
          .copy = copyCurve(device),
          .fmaGflops = fmaGflops(device),
          .emptyDispatchUs = emptyDispatchUs(device)};
}

}  // namespace headroom::engine
