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

namespace headroom::engine {

namespace {

constexpr std::uint32_t kFmaCode[] = {
#include "probe_fma.spv.inc"
};
constexpr std::uint32_t kEmptyCode[] = {
#include "probe_empty.spv.inc"
};
constexpr std::uint32_t kInvocations = 64;
constexpr std::uint32_t kFmaPerIteration = 16 * 4;
constexpr int kRuns = 7;

/// A run of copies lasts at least this long, so that submitting it (20 to 100 us) does not count.
constexpr double kCopySeconds = 4e-3;
constexpr int kMostCopies = 4096;

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

/// Two buffers that are there already, and a command buffer that copies the start of one to the other.
class CopyProbe {
 public:
  CopyProbe(vulkan::Device& device, std::uint64_t workingSetBytes)
      : m_device(device),
        m_source(device, workingSetBytes / 2, vulkan::MemoryPlace::Device, "the copy probe"),
        m_target(device, workingSetBytes / 2, vulkan::MemoryPlace::Device, "the copy probe"),
        m_commands(device) {}

  double gigabytesPerSecond(std::uint64_t workingSetBytes) {
    int copies = 1;
    record(workingSetBytes / 2, copies);
    m_device.run(m_commands.get());  // brings the pages
    double seconds = secondsOf([&] { m_device.run(m_commands.get()); });
    while (seconds < kCopySeconds && copies < kMostCopies) {
      copies *= seconds < kCopySeconds / 8 ? 8 : 2;
      record(workingSetBytes / 2, copies);
      seconds = secondsOf([&] { m_device.run(m_commands.get()); });
    }
    seconds = medianSeconds([&] { m_device.run(m_commands.get()); });
    return static_cast<double>(workingSetBytes) * copies / seconds * 1e-9;
  }

 private:
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
