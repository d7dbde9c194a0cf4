#include "core/vulkan/staging_ring.h"

#include <algorithm>
#include <cstring>

#include "core/vulkan/check.h"

namespace headroom::vulkan {

namespace {
void barrier(VkCommandBuffer commands, VkPipelineStageFlags targets, VkAccessFlags accesses) {
  const VkMemoryBarrier memory{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                               .dstAccessMask = accesses};
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, targets, 0, 1, &memory, 0, nullptr, 0,
                       nullptr);
}
}  // namespace

bool StagingRing::isBusy() const {
  return std::ranges::any_of(m_slots, [](const Slot& slot) { return slot.state != SlotState::Idle; });
}

void StagingRing::prepare(Slot& slot) {
  // Made with the first use: a device that only lists itself needs none.
  if (slot.memory.bytes() == 0) slot.memory = Buffer(m_device, kSlotBytes, MemoryPlace::Host, "uploads");
  if (slot.commands.get() == VK_NULL_HANDLE) slot.commands = CommandBuffer(m_device);
  if (slot.fence) return;
  const VkFenceCreateInfo info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fence;
  check(vkCreateFence(m_device.get(), &info, nullptr, &fence), "create a fence for uploads");
  slot.fence = {m_device.get(), fence};
}

void StagingRing::await(Slot& slot) {
  if (slot.state != SlotState::InFlight) return;
  slot.state = SlotState::Idle;
  m_device.wait(slot.fence.get());
}

StagingRing::Slot& StagingRing::recording() {
  Slot& slot = m_slots[m_current];
  if (slot.state == SlotState::Recording) return slot;
  await(slot);
  prepare(slot);
  const VkFence fence = slot.fence.get();
  check(vkResetFences(m_device.get(), 1, &fence), "prepare uploads");
  check(vkResetCommandBuffer(slot.commands.get(), 0), "prepare uploads");
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                       .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  check(vkBeginCommandBuffer(slot.commands.get(), &begin), "record uploads");
  slot.state = SlotState::Recording;
  slot.used = 0;
  slot.targets.clear();
  return slot;
}

void StagingRing::order(Slot& slot, const Target& target) {
  const bool overlaps = std::ranges::any_of(slot.targets, [&](const Target& other) {
    return other.buffer == target.buffer && other.begin < target.end && target.begin < other.end;
  });
  if (overlaps) {
    barrier(slot.commands.get(), VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT);
    slot.targets.clear();
  }
  slot.targets.push_back(target);
}

void StagingRing::copy(VkBuffer target, std::uint64_t offset, std::span<const std::byte> data) {
  for (std::uint64_t done = 0; done < data.size();) {
    Slot& slot = recording();
    const std::uint64_t bytes = std::min<std::uint64_t>(kSlotBytes - slot.used, data.size() - done);
    if (bytes == 0) {
      flush();
      continue;
    }
    std::memcpy(slot.memory.mapped<std::byte>().data() + slot.used, data.data() + done, bytes);
    order(slot, {target, offset + done, offset + done + bytes});
    const VkBufferCopy copy{.srcOffset = slot.used, .dstOffset = offset + done, .size = bytes};
    vkCmdCopyBuffer(slot.commands.get(), slot.memory.get(), target, 1, &copy);
    slot.used += bytes;
    done += bytes;
  }
}

void StagingRing::zero(VkBuffer target, std::uint64_t bytes) {
  Slot& slot = recording();
  order(slot, {target, 0, bytes});
  vkCmdFillBuffer(slot.commands.get(), target, 0, VK_WHOLE_SIZE, 0);
}

void StagingRing::flush() {
  Slot& slot = m_slots[m_current];
  if (slot.state != SlotState::Recording) return;
  slot.state = SlotState::Idle;  // also when one of the next calls throws
  barrier(slot.commands.get(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
          VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT |
              VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
  check(vkEndCommandBuffer(slot.commands.get()), "record uploads");
  m_device.submit(slot.commands.get(), slot.fence.get());
  slot.state = SlotState::InFlight;
  m_current = (m_current + 1) % kSlots;
}

void StagingRing::finish() {
  flush();
  for (Slot& slot : m_slots) await(slot);
}

}  // namespace headroom::vulkan
