#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <vulkan/vulkan.h>

#include "core/vulkan/buffer.h"
#include "core/vulkan/command_buffer.h"
#include "core/vulkan/device.h"
#include "core/vulkan/kernel.h"

namespace headroom::vulkan {

/// What one binding of a dispatch sees: a texel view, or a range of a buffer.
struct Binding {
  VkBufferView view = VK_NULL_HANDLE;
  VkBuffer buffer = VK_NULL_HANDLE;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  static Binding texels(const TexelView& view) { return {.view = view.get()}; }
  static Binding whole(const Buffer& buffer) { return {.buffer = buffer.get(), .bytes = buffer.bytes()}; }
  static Binding part(const Buffer& buffer, std::uint64_t offset, std::uint64_t bytes) {
    return {.buffer = buffer.get(), .offset = offset, .bytes = bytes};
  }
};

using GroupCount = std::array<std::uint32_t, 3>;

/// A rehearsal runs every kernel over no workgroups: nothing is computed, but a driver that makes a kernel's
/// code when it is first dispatched has made it then.
enum class Workgroups { AsAsked, None };
/// Whether there is a time stamp between any two dispatches.
enum class TimeStamps { None, BetweenDispatches };

/// Whether a run may follow another before that is done: it then begins by waiting for what it reads.
enum class Runs { Single, Repeated };

/// A command buffer that is recorded once and run many times: dispatches in order, each after everything
/// before it, with a time stamp around each where they are asked for.
class Recorder {
 public:
  explicit Recorder(Device& device, int maxDispatches, Workgroups workgroups = Workgroups::AsAsked,
                    TimeStamps timeStamps = TimeStamps::BetweenDispatches, Runs runs = Runs::Single);

  /// Copies all of `source` to the start of `target` before any dispatch; not timed.
  void copyFirst(const Buffer& source, const Buffer& target);
  /// Appends one dispatch. Throws Error when bindings or push constants do not fit the kernel or the group
  /// count exceeds the device's limits.
  void dispatch(const Kernel& kernel, const std::vector<Binding>& bindings, const GroupCount& groups,
                std::span<const std::byte> push = {});
  /// Dispatches appended so far.
  int dispatchCount() const { return m_dispatchCount; }
  /// Ends recording.
  void finish();

  /// Runs it on the device and waits.
  void run();
  /// Runs `first`, then itself `count` times, in one submission, and waits. Recorded for Runs::Repeated.
  void runRepeatedly(const Recorder& first, int count);
  /// Milliseconds of each dispatch of the last run(); zeros without time stamps.
  std::vector<double> dispatchTimesMs() const;

 private:
  void barrier(VkPipelineStageFlags targets, VkAccessFlags accesses);
  void writeTimestamp();

  Device* m_device;
  int m_maxDispatches;
  Workgroups m_workgroups;
  int m_dispatchCount = 0;
  CommandBuffer m_commands;
  std::vector<Handle<VkDescriptorPool, vkDestroyDescriptorPool>> m_pools;
  Handle<VkQueryPool, vkDestroyQueryPool> m_timestamps;
};

}  // namespace headroom::vulkan
