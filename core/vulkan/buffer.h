#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <vulkan/vulkan.h>

#include "core/vulkan/device.h"
#include "core/vulkan/handle.h"

namespace headroom::vulkan {

enum class MemoryPlace {
  Device,  ///< fast for kernels; filled by upload()
  Host,    ///< mapped, coherent, cached where there is such memory
};

/// A buffer with memory of its own, usable as storage, uniform, texel and copy source or target. Starts as
/// zeros.
class Buffer {
 public:
  Buffer() = default;
  /// Throws Error naming `what`, with the size, when the device has no room.
  Buffer(Device& device, std::uint64_t bytes, MemoryPlace place, const std::string& what);

  VkBuffer get() const { return m_buffer.get(); }
  std::uint64_t bytes() const { return m_bytes; }
  /// Device memory taken, bytes() rounded up to the device's alignment.
  std::uint64_t allocatedBytes() const { return m_allocatedBytes; }
  /// What it holds, for sentences: "a KV cache of 512 positions".
  const std::string& what() const { return m_what; }
  /// The mapped memory of a Host buffer.
  template <typename T>
  std::span<T> mapped() const {
    return {static_cast<T*>(m_mapped), m_bytes / sizeof(T)};
  }

 private:
  /// Lets no upload run into a buffer that goes; goes itself before the handles.
  class UploadGuard {
   public:
    UploadGuard() = default;
    explicit UploadGuard(Device& device) : m_device(&device) {}
    UploadGuard(UploadGuard&& other) noexcept : m_device(std::exchange(other.m_device, nullptr)) {}
    UploadGuard& operator=(UploadGuard&& other) noexcept {
      std::swap(m_device, other.m_device);
      return *this;
    }
    ~UploadGuard() {
      if (m_device) m_device->settleUploads();
    }

   private:
    Device* m_device = nullptr;
  };

  /// What the device counts as allocated.
  class Allocation {
   public:
    Allocation() = default;
    Allocation(Device& device, std::uint64_t requested, std::uint64_t allocated)
        : m_device(&device), m_requested(requested), m_allocated(allocated) {
      device.countAllocation(requested, allocated);
    }
    Allocation(Allocation&& other) noexcept
        : m_device(std::exchange(other.m_device, nullptr)),
          m_requested(other.m_requested),
          m_allocated(other.m_allocated) {}
    Allocation& operator=(Allocation&& other) noexcept {
      std::swap(m_device, other.m_device);
      std::swap(m_requested, other.m_requested);
      std::swap(m_allocated, other.m_allocated);
      return *this;
    }
    ~Allocation() {
      if (m_device) m_device->countRelease(m_requested, m_allocated);
    }

   private:
    Device* m_device = nullptr;
    std::uint64_t m_requested = 0;
    std::uint64_t m_allocated = 0;
  };

  std::string m_what;
  Allocation m_allocation;
  Handle<VkDeviceMemory, vkFreeMemory> m_memory;
  Handle<VkBuffer, vkDestroyBuffer> m_buffer;
  std::uint64_t m_bytes = 0;
  std::uint64_t m_allocatedBytes = 0;
  void* m_mapped = nullptr;
  UploadGuard m_uploads;
};

/// A typed view of a part of a buffer for texelFetch.
class TexelView {
 public:
  TexelView() = default;
  /// Throws Error naming what the buffer holds when `bytes` are more texels than the device can address.
  TexelView(Device& device, const Buffer& buffer, VkFormat format, std::uint64_t offset, std::uint64_t bytes);
  VkBufferView get() const { return m_view.get(); }

 private:
  Handle<VkBufferView, vkDestroyBufferView> m_view;
};

/// Copies `data` into a Device buffer at `offset`, through the device's staging ring. It is there for
/// everything that runs afterwards; `data` may go at once.
void upload(Device& device, const Buffer& target, std::uint64_t offset, std::span<const std::byte> data);
/// Copies from `source` at `offset` into `data`.
void download(Device& device, const Buffer& source, std::uint64_t offset, std::span<std::byte> data);

}  // namespace headroom::vulkan
