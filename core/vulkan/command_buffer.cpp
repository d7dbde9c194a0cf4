#include "core/vulkan/command_buffer.h"

#include "core/vulkan/check.h"

namespace headroom::vulkan {

CommandBuffer::CommandBuffer(Device& device) : m_device(&device) {
  const VkCommandBufferAllocateInfo info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                         .commandPool = device.commandPool(),
                                         .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                         .commandBufferCount = 1};
  check(vkAllocateCommandBuffers(device.get(), &info, &m_commands), "allocate a command buffer");
}

CommandBuffer::~CommandBuffer() {
  if (m_commands != VK_NULL_HANDLE)
    vkFreeCommandBuffers(m_device->get(), m_device->commandPool(), 1, &m_commands);
}

}  // namespace headroom::vulkan
