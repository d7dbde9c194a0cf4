#include "core/engine/probes.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "core/vulkan/buffer.h"
#include "core/vulkan/check.h"
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

template <typename Work>
double medianSeconds(const Work& work) {
  work();  // compiles and warms up
  std::vector<double> seconds;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(seconds, seconds.begin() + kRuns / 2);
  return seconds[kRuns / 2];
}

double copyGBps(vulkan::Device& device, std::uint64_t bytes) {
  const vulkan::Buffer source(device, bytes, vulkan::MemoryPlace::Device, "the copy probe");
  const vulkan::Buffer target(device, bytes, vulkan::MemoryPlace::Device, "the copy probe");
  constexpr int kCopies = 4;
  VkCommandBuffer commands = device.allocateCommandBuffer();
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  vulkan::check(vkBeginCommandBuffer(commands, &begin), "record the copy probe");
  const VkMemoryBarrier barrier{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT};
  const VkBufferCopy copy{.srcOffset = 0, .dstOffset = 0, .size = bytes};
  for (int i = 0; i < kCopies; ++i) {
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1,
                         &barrier, 0, nullptr, 0, nullptr);
    vkCmdCopyBuffer(commands, source.get(), target.get(), 1, &copy);
  }
  vulkan::check(vkEndCommandBuffer(commands), "record the copy probe");
  const double seconds = medianSeconds([&] { device.run(commands); });
  device.freeCommandBuffer(commands);
  return 2.0 * kCopies * static_cast<double>(bytes) / seconds * 1e-9;
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

}  // namespace

DeviceProbe probeDevice(vulkan::Device& device) {
  const bool onCpu = device.info().type == VK_PHYSICAL_DEVICE_TYPE_CPU;
  const std::uint64_t bytes = onCpu ? 64ull << 20 : 512ull << 20;  // beyond the caches of either
  DeviceProbe probe;
  probe.copyGBps = copyGBps(device, bytes);
  probe.copyMegabytes = 2.0 * static_cast<double>(bytes) * 1e-6;

  const std::uint32_t workgroups = onCpu ? 64 : 16384;
  const std::array<std::uint32_t, 1> iterations{onCpu ? 4096u : 2048u};
  const double seconds = dispatchSeconds(device, kFmaCode, iterations, workgroups, 1);
  probe.fmaGflops = 2.0 * kFmaPerIteration * iterations[0] * kInvocations * static_cast<double>(workgroups) /
                    seconds * 1e-9;

  constexpr int kShort = 64;
  constexpr int kLong = 320;
  const double shortSeconds = dispatchSeconds(device, kEmptyCode, {}, 1, kShort);
  const double longSeconds = dispatchSeconds(device, kEmptyCode, {}, 1, kLong);
  probe.emptyDispatchUs = std::max(0.0, (longSeconds - shortSeconds) / (kLong - kShort) * 1e6);
  return probe;
}

}  // namespace headroom::engine
