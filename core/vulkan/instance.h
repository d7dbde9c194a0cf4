#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include <vulkan/vulkan.h>

namespace headroom::vulkan {

enum class Validation { Off, On };

/// On when the environment says HEADROOM_VALIDATION=1.
Validation validationFromEnvironment();

/// A Vulkan 1.2 instance. With validation, also checks synchronization and keeps every error message of the
/// layer; where the layer is not installed it says so on stderr and goes on without.
class Instance {
 public:
  explicit Instance(Validation validation = validationFromEnvironment());
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  VkInstance get() const { return m_instance.get(); }
  /// Off where it was asked for and cannot be had.
  Validation validation() const { return m_validation; }
  /// Every physical device of Vulkan 1.2 or newer, in the loader's order.
  std::vector<VkPhysicalDevice> physicalDevices() const;
  /// Messages of severity error since the start; empty without validation.
  std::vector<std::string> validationErrors() const;

 private:
  static VKAPI_ATTR VkBool32 VKAPI_CALL receive(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                VkDebugUtilsMessageTypeFlagsEXT types,
                                                const VkDebugUtilsMessengerCallbackDataEXT* data, void* user);

  struct Destroy {
    void operator()(VkInstance instance) const { vkDestroyInstance(instance, nullptr); }
  };

  Validation m_validation;
  std::unique_ptr<std::remove_pointer_t<VkInstance>, Destroy> m_instance;
  VkDebugUtilsMessengerEXT m_messenger = VK_NULL_HANDLE;
  mutable std::mutex m_mutex;
  std::vector<std::string> m_errors;
};

}  // namespace headroom::vulkan
