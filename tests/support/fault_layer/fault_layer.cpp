#include <algorithm>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include "tests/support/fault_layer/fault_plan.h"

// An explicit Vulkan layer that stands between the program and the driver and makes one chosen call fail. It
// intercepts the functions with a VkResult that the project and its window use; the table is at the end.
namespace headroom::faults {

namespace {

FaultPlan& plan() {
  static FaultPlan instance;
  return instance;
}

std::vector<std::string_view> interceptedNames();

/// The next layer's functions of an instance or a device, by its dispatch key. The intercepted ones are
/// looked up when the object is made: later the loader answers with the first layer of the chain again.
class NextFunctions {
 public:
  void addInstance(void* key, VkInstance instance, PFN_vkGetInstanceProcAddr next) {
    add(key, [&](const char* name) { return next(instance, name); });
  }
  void addDevice(void* key, VkDevice device, PFN_vkGetDeviceProcAddr next) {
    add(key, [&](const char* name) { return next(device, name); });
    const std::scoped_lock lock(m_mutex);
    m_objects[key].device = device;
  }
  void remove(void* key) {
    const std::scoped_lock lock(m_mutex);
    m_objects.erase(key);
  }
  template <typename Function>
  Function find(void* key, std::string_view name) {
    const std::scoped_lock lock(m_mutex);
    const auto object = m_objects.find(key);
    if (object == m_objects.end()) return nullptr;
    const auto function = object->second.functions.find(name);
    return function == object->second.functions.end() ? nullptr
                                                      : reinterpret_cast<Function>(function->second);
  }
  VkDevice device(void* key) {
    const std::scoped_lock lock(m_mutex);
    const auto found = m_objects.find(key);
    return found == m_objects.end() ? VK_NULL_HANDLE : found->second.device;
  }

 private:
  struct Object {
    VkDevice device = VK_NULL_HANDLE;
    std::map<std::string_view, PFN_vkVoidFunction> functions;
  };

  template <typename Resolve>
  void add(void* key, const Resolve& resolve) {
    Object object;
    for (const std::string_view name : interceptedNames()) object.functions[name] = resolve(name.data());
    const std::scoped_lock lock(m_mutex);
    m_objects[key] = std::move(object);
  }

  std::mutex m_mutex;
  std::map<void*, Object> m_objects;
};

NextFunctions& nextFunctions() {
  static NextFunctions instance;
  return instance;
}

/// Objects of one instance or device share the first word, the loader's dispatch table.
template <typename Object>
void* keyOf(Object object) {
  return *reinterpret_cast<void**>(object);
}

/// A function's name as a template argument.
template <std::size_t size>
struct Name {
  constexpr Name(const char (&text)[size]) { std::copy_n(text, size, characters); }
  constexpr std::string_view view() const { return {characters, size - 1}; }
  char characters[size];
};

/// A lost device reports it from these; what it still had to do is over.
bool reportsLoss(std::string_view function) {
  constexpr std::string_view kFunctions[] = {
      "vkQueueSubmit",    "vkWaitForFences",       "vkDeviceWaitIdle",      "vkQueueWaitIdle",
      "vkGetFenceStatus", "vkGetQueryPoolResults", "vkAcquireNextImageKHR", "vkQueuePresentKHR"};
  return std::ranges::find(kFunctions, function) != std::end(kFunctions);
}

void settle(void* key) {
  const auto wait = nextFunctions().find<PFN_vkDeviceWaitIdle>(key, "vkDeviceWaitIdle");
  if (wait) wait(nextFunctions().device(key));
}

template <Name name, typename Function>
struct Intercepted;

template <Name name, typename First, typename... Rest>
struct Intercepted<name, VkResult(VKAPI_PTR*)(First, Rest...)> {
  static VKAPI_ATTR VkResult VKAPI_CALL call(First first, Rest... rest) {
    void* const key = keyOf(first);
    const VkResult result = plan().next(name.view(), key);
    if (plan().isLost(key) && reportsLoss(name.view())) {
      settle(key);
      return VK_ERROR_DEVICE_LOST;
    }
    if (result != VK_SUCCESS) return result;
    using Next = VkResult(VKAPI_PTR*)(First, Rest...);
    return nextFunctions().find<Next>(key, name.view())(first, rest...);
  }
};

template <typename Info>
Info* linkInfo(const void* chain, VkStructureType type) {
  for (auto* info = static_cast<const VkBaseInStructure*>(chain); info != nullptr; info = info->pNext) {
    auto* found = reinterpret_cast<Info*>(const_cast<VkBaseInStructure*>(info));
    if (info->sType == type && found->function == VK_LAYER_LINK_INFO) return found;
  }
  return nullptr;
}

VKAPI_ATTR VkResult VKAPI_CALL createInstance(const VkInstanceCreateInfo* info,
                                              const VkAllocationCallbacks* allocator, VkInstance* instance) {
  const VkResult fault = plan().next("vkCreateInstance", nullptr);
  if (fault != VK_SUCCESS) return fault;
  auto* link =
      linkInfo<VkLayerInstanceCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  const PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  const auto create = reinterpret_cast<PFN_vkCreateInstance>(next(VK_NULL_HANDLE, "vkCreateInstance"));
  const VkResult result = create(info, allocator, instance);
  if (result == VK_SUCCESS) nextFunctions().addInstance(keyOf(*instance), *instance, next);
  return result;
}

VKAPI_ATTR void VKAPI_CALL destroyInstance(VkInstance instance, const VkAllocationCallbacks* allocator) {
  if (instance == VK_NULL_HANDLE) return;
  void* const key = keyOf(instance);
  const auto destroy = nextFunctions().find<PFN_vkDestroyInstance>(key, "vkDestroyInstance");
  nextFunctions().remove(key);
  destroy(instance, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL createDevice(VkPhysicalDevice physicalDevice, const VkDeviceCreateInfo* info,
                                            const VkAllocationCallbacks* allocator, VkDevice* device) {
  const VkResult fault = plan().next("vkCreateDevice", nullptr);
  if (fault != VK_SUCCESS) return fault;
  auto* link = linkInfo<VkLayerDeviceCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  const PFN_vkGetDeviceProcAddr nextDevice = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  const auto create = nextFunctions().find<PFN_vkCreateDevice>(keyOf(physicalDevice), "vkCreateDevice");
  const VkResult result = create(physicalDevice, info, allocator, device);
  if (result != VK_SUCCESS) return result;
  const bool presents = std::any_of(
      info->ppEnabledExtensionNames, info->ppEnabledExtensionNames + info->enabledExtensionCount,
      [](const char* extension) { return std::string_view(extension) == VK_KHR_SWAPCHAIN_EXTENSION_NAME; });
  nextFunctions().addDevice(keyOf(*device), *device, nextDevice);
  plan().addDevice(keyOf(*device), presents ? Scope::Window : Scope::Engine);
  return result;
}

VKAPI_ATTR void VKAPI_CALL destroyDevice(VkDevice device, const VkAllocationCallbacks* allocator) {
  if (device == VK_NULL_HANDLE) return;
  void* const key = keyOf(device);
  const auto destroy = nextFunctions().find<PFN_vkDestroyDevice>(key, "vkDestroyDevice");
  nextFunctions().remove(key);
  plan().removeDevice(key);
  destroy(device, allocator);
}

/// A fault of this function, whose failure Vulkan does not know, is a device without a compute queue.
VKAPI_ATTR void VKAPI_CALL queueFamilies(VkPhysicalDevice device, std::uint32_t* count,
                                         VkQueueFamilyProperties* families) {
  constexpr std::string_view kName = "vkGetPhysicalDeviceQueueFamilyProperties";
  void* const key = keyOf(device);
  nextFunctions().find<PFN_vkGetPhysicalDeviceQueueFamilyProperties>(key, kName)(device, count, families);
  if (families == nullptr || plan().next(kName, key) == VK_SUCCESS) return;
  for (VkQueueFamilyProperties& family : std::span(families, *count)) {
    family.queueFlags &= ~static_cast<VkQueueFlags>(VK_QUEUE_COMPUTE_BIT);
  }
}

struct Entry {
  std::string_view name;
  PFN_vkVoidFunction function;
};

template <Name name, typename Function>
Entry entry() {
  return {name.view(), reinterpret_cast<PFN_vkVoidFunction>(&Intercepted<name, Function>::call)};
}

template <typename Function>
Entry special(std::string_view name, Function function) {
  return {name, reinterpret_cast<PFN_vkVoidFunction>(function)};
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instanceFunction(VkInstance instance, const char* name);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL deviceFunction(VkDevice device, const char* name);

const Entry kInstanceEntries[] = {
    special("vkGetInstanceProcAddr", &instanceFunction),
    special("vkCreateInstance", &createInstance),
    special("vkDestroyInstance", &destroyInstance),
    special("vkCreateDevice", &createDevice),
    special("vkGetPhysicalDeviceQueueFamilyProperties", &queueFamilies),
    entry<"vkEnumeratePhysicalDevices", PFN_vkEnumeratePhysicalDevices>(),
    entry<"vkCreateDebugUtilsMessengerEXT", PFN_vkCreateDebugUtilsMessengerEXT>(),
};

const Entry kDeviceEntries[] = {
    special("vkGetDeviceProcAddr", &deviceFunction),
    special("vkDestroyDevice", &destroyDevice),
    entry<"vkCreateCommandPool", PFN_vkCreateCommandPool>(),
    entry<"vkAllocateCommandBuffers", PFN_vkAllocateCommandBuffers>(),
    entry<"vkBeginCommandBuffer", PFN_vkBeginCommandBuffer>(),
    entry<"vkEndCommandBuffer", PFN_vkEndCommandBuffer>(),
    entry<"vkResetCommandBuffer", PFN_vkResetCommandBuffer>(),
    entry<"vkCreateFence", PFN_vkCreateFence>(),
    entry<"vkResetFences", PFN_vkResetFences>(),
    entry<"vkGetFenceStatus", PFN_vkGetFenceStatus>(),
    entry<"vkWaitForFences", PFN_vkWaitForFences>(),
    entry<"vkQueueSubmit", PFN_vkQueueSubmit>(),
    entry<"vkQueueWaitIdle", PFN_vkQueueWaitIdle>(),
    entry<"vkDeviceWaitIdle", PFN_vkDeviceWaitIdle>(),
    entry<"vkCreateSemaphore", PFN_vkCreateSemaphore>(),
    entry<"vkCreateBuffer", PFN_vkCreateBuffer>(),
    entry<"vkCreateBufferView", PFN_vkCreateBufferView>(),
    entry<"vkAllocateMemory", PFN_vkAllocateMemory>(),
    entry<"vkBindBufferMemory", PFN_vkBindBufferMemory>(),
    entry<"vkMapMemory", PFN_vkMapMemory>(),
    entry<"vkFlushMappedMemoryRanges", PFN_vkFlushMappedMemoryRanges>(),
    entry<"vkCreateImage", PFN_vkCreateImage>(),
    entry<"vkBindImageMemory", PFN_vkBindImageMemory>(),
    entry<"vkCreateImageView", PFN_vkCreateImageView>(),
    entry<"vkCreateSampler", PFN_vkCreateSampler>(),
    entry<"vkCreateRenderPass", PFN_vkCreateRenderPass>(),
    entry<"vkCreateFramebuffer", PFN_vkCreateFramebuffer>(),
    entry<"vkCreateShaderModule", PFN_vkCreateShaderModule>(),
    entry<"vkCreateDescriptorSetLayout", PFN_vkCreateDescriptorSetLayout>(),
    entry<"vkCreatePipelineLayout", PFN_vkCreatePipelineLayout>(),
    entry<"vkCreatePipelineCache", PFN_vkCreatePipelineCache>(),
    entry<"vkGetPipelineCacheData", PFN_vkGetPipelineCacheData>(),
    entry<"vkCreateComputePipelines", PFN_vkCreateComputePipelines>(),
    entry<"vkCreateGraphicsPipelines", PFN_vkCreateGraphicsPipelines>(),
    entry<"vkCreateDescriptorPool", PFN_vkCreateDescriptorPool>(),
    entry<"vkAllocateDescriptorSets", PFN_vkAllocateDescriptorSets>(),
    entry<"vkCreateQueryPool", PFN_vkCreateQueryPool>(),
    entry<"vkGetQueryPoolResults", PFN_vkGetQueryPoolResults>(),
    entry<"vkCreateSwapchainKHR", PFN_vkCreateSwapchainKHR>(),
    entry<"vkGetSwapchainImagesKHR", PFN_vkGetSwapchainImagesKHR>(),
    entry<"vkAcquireNextImageKHR", PFN_vkAcquireNextImageKHR>(),
    entry<"vkQueuePresentKHR", PFN_vkQueuePresentKHR>(),
};

std::vector<std::string_view> interceptedNames() {
  std::vector<std::string_view> names;
  for (const Entry& entry : kInstanceEntries) names.push_back(entry.name);
  for (const Entry& entry : kDeviceEntries) names.push_back(entry.name);
  return names;
}

PFN_vkVoidFunction find(std::span<const Entry> entries, std::string_view name) {
  const auto found = std::ranges::find(entries, name, &Entry::name);
  return found == entries.end() ? nullptr : found->function;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL deviceFunction(VkDevice device, const char* name) {
  void* const key = keyOf(device);
  const auto getNext = nextFunctions().find<PFN_vkGetDeviceProcAddr>(key, "vkGetDeviceProcAddr");
  const PFN_vkVoidFunction own = find(kDeviceEntries, name);
  if (own == nullptr) return getNext(device, name);
  // What the next layer lacks (an extension that is off) this one must not offer either.
  return nextFunctions().find<PFN_vkVoidFunction>(key, name) != nullptr ? own : nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instanceFunction(VkInstance instance, const char* name) {
  if (const PFN_vkVoidFunction own = find(kInstanceEntries, name)) return own;
  if (const PFN_vkVoidFunction own = find(kDeviceEntries, name)) return own;
  if (instance == VK_NULL_HANDLE) return nullptr;
  const auto getNext =
      nextFunctions().find<PFN_vkGetInstanceProcAddr>(keyOf(instance), "vkGetInstanceProcAddr");
  return getNext(instance, name);
}

}  // namespace
}  // namespace headroom::faults

using namespace headroom::faults;

extern "C" {

[[gnu::visibility("default")]] VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* negotiation) {
  negotiation->loaderLayerInterfaceVersion = 2;
  negotiation->pfnGetInstanceProcAddr = &instanceFunction;
  negotiation->pfnGetDeviceProcAddr = &deviceFunction;
  negotiation->pfnGetPhysicalDeviceProcAddr = nullptr;
  return VK_SUCCESS;
}

// What fault_control.h calls.
[[gnu::visibility("default")]] void headroomFaultsInject(const char* function, std::uint64_t call, int result,
                                                         int scope) {
  plan().inject({function, call, static_cast<VkResult>(result), static_cast<Scope>(scope)});
}
[[gnu::visibility("default")]] void headroomFaultsClear() {
  plan().clear();
}
[[gnu::visibility("default")]] std::uint64_t headroomFaultsCalls(const char* function) {
  return plan().calls(function);
}
[[gnu::visibility("default")]] int headroomFaultsFired() {
  return plan().fired() ? 1 : 0;
}
/// The names of all functions that can fail, with a space after each.
[[gnu::visibility("default")]] const char* headroomFaultsFunctions() {
  static const std::string names = [] {
    std::string all;
    for (const std::string_view name : interceptedNames()) all += std::string(name) + " ";
    return all;
  }();
  return names.c_str();
}
}
