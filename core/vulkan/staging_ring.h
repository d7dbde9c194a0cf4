#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <vulkan/vulkan.h>

#include "core/vulkan/buffer.h"
#include "core/vulkan/command_buffer.h"
#include "core/vulkan/handle.h"

namespace headroom::vulkan {

/// Streams data into device buffers: the device copies one slot while the next is being filled. What it was
/// given runs at the latest with flush(), before everything that is submitted after that.
class StagingRing {
 public:
  explicit StagingRing(Device& device) : m_device(device) {}

  /// Copies `data` to `target` at `offset`; `data` may go when this returns, `target` when finish() has.
  void copy(VkBuffer target, std::uint64_t offset, std::span<const std::byte> data);
  /// Zeros all `bytes` of `target`.
  void zero(VkBuffer target, std::uint64_t bytes);
  /// Submits what is waiting. When this throws, what was waiting is gone.
  void flush();
  /// flush(), then waits until all of it is done.
  void finish();
  /// Whether a buffer could still be a target.
  bool isBusy() const;

 private:
  static constexpr std::uint64_t kSlotBytes = 1ull << 20;
  static constexpr std::size_t kSlots = 3;

  enum class SlotState { Idle, Recording, InFlight };

  struct Target {
    VkBuffer buffer;
    std::uint64_t begin;
    std::uint64_t end;
  };

  struct Slot {
    Buffer memory;
    CommandBuffer commands;
    Handle<VkFence, vkDestroyFence> fence;
    SlotState state = SlotState::Idle;
    std::uint64_t used = 0;
    std::vector<Target> targets;  ///< written since the last barrier
  };

  /// The slot to record into, begun.
  Slot& recording();
  void prepare(Slot& slot);
  void await(Slot& slot);
  /// A barrier when an earlier command of the slot writes the same bytes.
  void order(Slot& slot, const Target& target);

  Device& m_device;
  std::array<Slot, kSlots> m_slots;
  std::size_t m_current = 0;
};

}  // namespace headroom::vulkan
