#pragma once

#include <vulkan/vulkan.h>

#include <cstddef>

namespace headroom::view {

/// The window's device, as far as buffers and pipelines need it.
struct GpuContext {
  VkPhysicalDevice physicalDevice = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
};

/// Throws std::runtime_error with `what` and the result's number when `result` is an error.
void checkVk(VkResult result, const char* what);

/// Host-visible, host-coherent memory that shaders or the vertex stage read; mapped as long as it lives.
class GpuBuffer {
 public:
  GpuBuffer() = default;
  GpuBuffer(const GpuContext& gpu, VkDeviceSize bytes, VkBufferUsageFlags usage);
  GpuBuffer(GpuBuffer&& other) noexcept;
  GpuBuffer& operator=(GpuBuffer&& other) noexcept;
  ~GpuBuffer();

  VkBuffer handle() const { return m_buffer; }
  VkDeviceSize size() const { return m_bytes; }
  std::byte* data() const { return m_data; }

 private:
  /// The public constructor builds on this one, so that the destructor clears up when it fails half way.
  GpuBuffer(VkDevice device, VkDeviceSize bytes);

  VkDevice m_device = VK_NULL_HANDLE;
  VkBuffer m_buffer = VK_NULL_HANDLE;
  VkDeviceMemory m_memory = VK_NULL_HANDLE;
  VkDeviceSize m_bytes = 0;
  std::byte* m_data = nullptr;
};

/// A GpuBuffer that shaders read as texels of `format`.
class TexelBuffer {
 public:
  TexelBuffer() = default;
  TexelBuffer(const GpuContext& gpu, VkDeviceSize bytes, VkFormat format);
  TexelBuffer(TexelBuffer&& other) noexcept;
  TexelBuffer& operator=(TexelBuffer&& other) noexcept;
  ~TexelBuffer();

  VkBufferView view() const { return m_view; }
  std::byte* data() const { return m_buffer.data(); }

 private:
  VkDevice m_device = VK_NULL_HANDLE;
  GpuBuffer m_buffer;
  VkBufferView m_view = VK_NULL_HANDLE;
};

}  // namespace headroom::view
