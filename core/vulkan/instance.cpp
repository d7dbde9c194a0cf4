#include "core/vulkan/instance.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/vulkan/check.h"

namespace headroom::vulkan {

Validation validationFromEnvironment() {
  const char* value = std::getenv("HEADROOM_VALIDATION");
  return value != nullptr && std::string_view(value) == "1" ? Validation::On : Validation::Off;
}

namespace {

constexpr const char* kLayer = "VK_LAYER_KHRONOS_validation";

bool layerIsInstalled() {
  std::uint32_t count = 0;
  check(vkEnumerateInstanceLayerProperties(&count, nullptr), "list the Vulkan layers");
  std::vector<VkLayerProperties> layers(count);
  check(vkEnumerateInstanceLayerProperties(&count, layers.data()), "list the Vulkan layers");
  return std::ranges::any_of(
      layers, [](const VkLayerProperties& layer) { return std::string_view(layer.layerName) == kLayer; });
}

}  // namespace

VkBool32 Instance::receive(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                           const VkDebugUtilsMessengerCallbackDataEXT* data, void* user) {
  auto* self = static_cast<Instance*>(user);
  std::fprintf(stderr, "Vulkan validation: %s\n", data->pMessage);
  const std::scoped_lock lock(self->m_mutex);
  self->m_errors.emplace_back(data->pMessage);
  return VK_FALSE;
}

Instance::Instance(Validation validation) : m_validation(validation) {
  const VkApplicationInfo application{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                      .pApplicationName = "headroom",
                                      .apiVersion = VK_API_VERSION_1_2};
  VkInstanceCreateInfo info{.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                            .pApplicationInfo = &application};
  if (m_validation == Validation::On && !layerIsInstalled()) {
    m_validation = Validation::Off;
    std::fputs(
        "Vulkan's validation layer is not installed (Debian's package vulkan-validationlayers), so nothing "
        "is "
        "validated.\n",
        stderr);
  }
  const char* const layers[] = {kLayer};
  const char* const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
                                    VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
  const VkDebugUtilsMessengerCreateInfoEXT messenger{
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
      .messageType =
          VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT,
      .pfnUserCallback = receive,
      .pUserData = this};
  const VkValidationFeatureEnableEXT enabled[] = {
      VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  const VkValidationFeaturesEXT features{.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                                         .pNext = &messenger,
                                         .enabledValidationFeatureCount = 1,
                                         .pEnabledValidationFeatures = enabled};
  if (m_validation == Validation::On) {
    info.pNext = &features;
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = layers;
    info.enabledExtensionCount = 2;
    info.ppEnabledExtensionNames = extensions;
  }
  VkInstance instance;
  check(vkCreateInstance(&info, nullptr, &instance), "start Vulkan");
  m_instance.reset(instance);
  if (m_validation == Validation::On) {
    const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(get(), "vkCreateDebugUtilsMessengerEXT"));
    check(create(get(), &messenger, nullptr, &m_messenger), "listen to the validation layer");
  }
}

Instance::~Instance() {
  if (m_messenger != VK_NULL_HANDLE) {
    const auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(get(), "vkDestroyDebugUtilsMessengerEXT"));
    destroy(get(), m_messenger, nullptr);
  }
}

std::vector<VkPhysicalDevice> Instance::physicalDevices() const {
  std::uint32_t count = 0;
  check(vkEnumeratePhysicalDevices(get(), &count, nullptr), "list the Vulkan devices");
  std::vector<VkPhysicalDevice> devices(count);
  check(vkEnumeratePhysicalDevices(get(), &count, devices.data()), "list the Vulkan devices");
  std::erase_if(devices, [](VkPhysicalDevice device) {
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(device, &properties);
    return properties.apiVersion < VK_API_VERSION_1_2;
  });
  return devices;
}

std::vector<std::string> Instance::validationErrors() const {
  const std::scoped_lock lock(m_mutex);
  return m_errors;
}

}  // namespace headroom::vulkan
