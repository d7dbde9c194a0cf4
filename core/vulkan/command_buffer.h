#pragma once

#include <utility>

#include <vulkan/vulkan.h>

#include "core/vulkan/device.h"

namespace headroom::vulkan {

/// A primary command buffer of a device's pool. Its work must be done when it goes.
class CommandBuffer {
 public:
  CommandBuffer() = default;
  explicit CommandBuffer(Device& device);
  CommandBuffer(CommandBuffer&& other) noexcept
      : m_device(other.m_device), m_commands(std::exchange(other.m_commands, VK_NULL_HANDLE)) {}
  CommandBuffer& operator=(CommandBuffer&& other) noexcept {
    std::swap(m_device, other.m_device);
    std::swap(m_commands, other.m_commands);
    return *this;
  }
  ~CommandBuffer();

  VkCommandBuffer get() const { return m_commands; }

 private:
  Device* m_device = nullptr;
  VkCommandBuffer m_commands = VK_NULL_HANDLE;
};

}  // namespace headroom::vulkan
