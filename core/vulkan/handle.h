#pragma once

#include <utility>

#include <vulkan/vulkan.h>

namespace headroom::vulkan {

/// Sole owner of one Vulkan object of a device; destroys it with `Destroy`.
template <typename T, auto Destroy>
class Handle {
 public:
  Handle() = default;
  Handle(VkDevice device, T object) : m_device(device), m_object(object) {}
  Handle(Handle&& other) noexcept
      : m_device(other.m_device), m_object(std::exchange(other.m_object, VK_NULL_HANDLE)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(m_device, other.m_device);
    std::swap(m_object, other.m_object);
    return *this;
  }
  ~Handle() {
    if (m_object != VK_NULL_HANDLE) Destroy(m_device, m_object, nullptr);
  }

  T get() const { return m_object; }
  explicit operator bool() const { return m_object != VK_NULL_HANDLE; }

 private:
  VkDevice m_device = VK_NULL_HANDLE;
  T m_object = VK_NULL_HANDLE;
};

}  // namespace headroom::vulkan
