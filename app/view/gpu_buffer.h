#pragma once

#include <vulkan/vulkan.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

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

/// Copies `items` into a buffer that no frame in flight reads, for the vertices of one frame. Makes it anew,
/// twice as large as needed and of at least `least` items, where it is too small.
template <typename Item>
void refill(GpuBuffer& buffer, const GpuContext& gpu, std::span<const Item> items, std::size_t least) {
  if (buffer.size() < items.size_bytes()) {
    buffer =
        GpuBuffer(gpu, std::max(2 * items.size(), least) * sizeof(Item), VK_BUFFER_USAGE_VERTEX_BUFFER_BIT);
  }
  std::memcpy(buffer.data(), items.data(), items.size_bytes());
}

}  // namespace headroom::view
