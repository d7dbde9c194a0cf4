#include "core/vulkan/device.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/vulkan/check.h"
#include "core/vulkan/cooperative_matrix.h"
#include "core/vulkan/kernel_store.h"
#include "core/vulkan/staging_ring.h"

namespace headroom::vulkan {

namespace {

/// Fills in what the first queue family that computes can do; nothing when there is none.
void describeComputeQueue(VkPhysicalDevice device, double timestampPeriodNs, DeviceInfo& info) {
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  const auto computes = [](const VkQueueFamilyProperties& family) {
    return (family.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
  };
  const auto found = std::ranges::find_if(families, computes);
  if (found == families.end()) return;
  info.computeQueueFamily = static_cast<std::uint32_t>(found - families.begin());
  info.timestampValidBits = found->timestampValidBits;
  if (info.timestampValidBits > 0) info.timestampPeriodNs = timestampPeriodNs;
}

/// Memory of the system as Linux tells it; zeros elsewhere.
DeviceMemory systemMemory() {
  DeviceMemory memory;
  std::ifstream table("/proc/meminfo");
  std::string key;
  for (std::uint64_t kilobytes = 0; table >> key >> kilobytes; table.ignore(64, '\n')) {
    if (key == "MemTotal:") memory.total = kilobytes * 1024;
    if (key == "MemAvailable:") memory.free = kilobytes * 1024;
  }
  return memory;
}

bool hasExtension(VkPhysicalDevice device, std::string_view wanted) {
  std::uint32_t count = 0;
  check(vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr), "list a device's extensions");
  std::vector<VkExtensionProperties> extensions(count);
  check(vkEnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data()),
        "list a device's extensions");
  return std::ranges::any_of(
      extensions, [&](const VkExtensionProperties& extension) { return extension.extensionName == wanted; });
}

/// Multiprocessors, where an extension of the maker tells.
std::uint32_t computeUnitsOf(VkPhysicalDevice device) {
  VkPhysicalDeviceShaderSMBuiltinsPropertiesNV nvidia{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV};
  VkPhysicalDeviceShaderCorePropertiesAMD amd{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD};
  const bool isNvidia = hasExtension(device, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME);
  const bool isAmd = hasExtension(device, VK_AMD_SHADER_CORE_PROPERTIES_EXTENSION_NAME);
  if (!isNvidia && !isAmd) return 0;
  VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = isNvidia ? static_cast<void*>(&nvidia) : &amd};
  vkGetPhysicalDeviceProperties2(device, &properties);
  if (isNvidia) return nvidia.shaderSMCount;
  return amd.shaderEngineCount * amd.shaderArraysPerEngineCount * amd.computeUnitsPerShaderArray;
}

DeviceInfo describe(VkInstance instance, VkPhysicalDevice device, int index) {
  VkPhysicalDeviceDriverProperties driver{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceSubgroupProperties subgroup{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
                                              .pNext = &driver};
  VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = &subgroup};
  vkGetPhysicalDeviceProperties2(device, &properties);
  VkPhysicalDevice16BitStorageFeatures storage16{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES};
  VkPhysicalDeviceFeatures2 features{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                     .pNext = &storage16};
  vkGetPhysicalDeviceFeatures2(device, &features);
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(device, &memory);

  DeviceInfo info{
      .index = index,
      .name = properties.properties.deviceName,
      .driver = fmt::format("{} {}", driver.driverName, driver.driverInfo),
      .type = properties.properties.deviceType,
      .apiVersion = properties.properties.apiVersion,
      .subgroupSize = subgroup.subgroupSize,
      .computeUnits = computeUnitsOf(device),
      .subgroupOperations = subgroup.supportedOperations,
      .memoryBudget = hasExtension(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME),
      .storage16Bit = storage16.storageBuffer16BitAccess == VK_TRUE,
      .matrixSide = std::ranges::all_of(CooperativeMatrixFeatures::kExtensions,
                                        [&](const char* name) { return hasExtension(device, name); })
                        ? cooperativeMatrixSide(instance, device)
                        : 0,
      .limits = properties.properties.limits};
  for (std::uint32_t heap = 0; heap < memory.memoryHeapCount; ++heap) {
    if (memory.memoryHeaps[heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) {
      info.memoryBytes = std::max(info.memoryBytes, memory.memoryHeaps[heap].size);
    }
  }
  // A software device's memory is the system's, of which drivers report an arbitrary part.
  if (info.isSoftware()) {
    info.memoryBytes = std::max(info.memoryBytes, systemMemory().total);
  }
  describeComputeQueue(device, properties.properties.limits.timestampPeriod, info);
  return info;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

int preference(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    default:
      return 3;
  }
}

}  // namespace

std::string_view typeName(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "software";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual GPU";
    default:
      return "other";
  }
}

std::vector<DeviceInfo> listDevices(const Instance& instance) {
  std::vector<DeviceInfo> devices;
  for (VkPhysicalDevice device : instance.physicalDevices()) {
    devices.push_back(describe(instance.get(), device, static_cast<int>(devices.size())));
    DeviceInfo& info = devices.back();
    const auto alike = std::ranges::count(devices, info.name, &DeviceInfo::name);
    info.label = alike > 1 ? fmt::format("{} #{}", info.name, alike) : info.name;
  }
  return devices;
}

std::string versionText(std::uint32_t apiVersion) {
  return fmt::format("{}.{}.{}", VK_API_VERSION_MAJOR(apiVersion), VK_API_VERSION_MINOR(apiVersion),
                     VK_API_VERSION_PATCH(apiVersion));
}

DeviceInfo chooseDevice(const Instance& instance, const std::string& wanted) {
  std::vector<DeviceInfo> devices = listDevices(instance);
  if (devices.empty()) {
    throw Error(
        "No Vulkan 1.2 device was found; install a driver (Debian: mesa-vulkan-drivers has a software "
        "device).");
  }
  if (wanted.empty()) {
    return *std::ranges::min_element(devices, {}, [](const DeviceInfo& info) {
      return std::pair(!info.computeQueueFamily.has_value(), preference(info.type));
    });
  }
  const auto labelled = std::ranges::find(devices, wanted, &DeviceInfo::label);
  if (labelled != devices.end()) return *labelled;
  const bool isIndex = std::ranges::all_of(wanted, [](unsigned char c) { return std::isdigit(c) != 0; });
  for (const DeviceInfo& info : devices) {
    if (isIndex ? std::to_string(info.index) == wanted
                : lower(info.name).find(lower(wanted)) != std::string::npos) {
      return info;
    }
  }
  std::string known;
  for (const DeviceInfo& info : devices)
    known += fmt::format("{}{}: {}", known.empty() ? "" : ", ", info.index, info.label);
  throw Error(fmt::format("No Vulkan device matches \"{}\"; there is {}.", wanted, known));
}

Device::Device(const Instance& instance, const DeviceInfo& info, const std::string& cacheFolder)
    : m_info(info), m_physicalDevice(instance.physicalDevices().at(static_cast<std::size_t>(info.index))) {
  if (!info.computeQueueFamily) {
    throw Error(
        fmt::format("{} has no compute queue, which the kernels run on; choose another device.", info.name));
  }
  constexpr VkSubgroupFeatureFlags kNeeded = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
  if (info.subgroupSize < 8 || (info.subgroupOperations & kNeeded) != kNeeded) {
    throw Error(fmt::format("{} has subgroups of {} invocations; the kernels need 8 or more, with shuffles.",
                            info.name, info.subgroupSize));
  }
  const std::uint32_t family = *info.computeQueueFamily;
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue{.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                      .queueFamilyIndex = family,
                                      .queueCount = 1,
                                      .pQueuePriorities = &priority};
  VkPhysicalDevice16BitStorageFeatures storage16{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
      .storageBuffer16BitAccess = info.storage16Bit};
  CooperativeMatrixFeatures matrices(VK_TRUE);
  constexpr const auto& kMatrixExtensions = CooperativeMatrixFeatures::kExtensions;
  if (info.matrixSide > 0) storage16.pNext = matrices.features();
  const VkDeviceCreateInfo create{
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &storage16,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = info.matrixSide > 0 ? static_cast<std::uint32_t>(kMatrixExtensions.size()) : 0,
      .ppEnabledExtensionNames = kMatrixExtensions.data()};
  VkDevice device;
  check(vkCreateDevice(m_physicalDevice, &create, nullptr, &device), fmt::format("open {}", info.name));
  m_device.reset(device);
  vkGetDeviceQueue(device, family, 0, &m_queue);
  vkGetPhysicalDeviceMemoryProperties(m_physicalDevice, &m_memory);

  const VkCommandPoolCreateInfo pool{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                     .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                     .queueFamilyIndex = family};
  VkCommandPool commandPool;
  check(vkCreateCommandPool(device, &pool, nullptr, &commandPool), "create a command pool");
  m_commandPool = {device, commandPool};
  const VkFenceCreateInfo fenceInfo{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fence;
  check(vkCreateFence(device, &fenceInfo, nullptr, &fence), "create a fence");
  m_fence = {device, fence};
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(m_physicalDevice, &properties);
  m_pipelineCache = PipelineCache(device, properties, cacheFolder);
  m_kernels = std::make_unique<KernelStore>(*this);
  m_stagingRing = std::make_unique<StagingRing>(*this);
}

Device::~Device() {
  vkDeviceWaitIdle(get());
  m_pipelineCache.save();
}

std::uint32_t Device::memoryType(std::uint32_t allowedBits, VkMemoryPropertyFlags wanted,
                                 VkMemoryPropertyFlags preferred) const {
  for (VkMemoryPropertyFlags flags : {wanted | preferred, wanted}) {
    for (std::uint32_t type = 0; type < m_memory.memoryTypeCount; ++type) {
      const bool allowed = (allowedBits >> type & 1u) != 0;
      if (allowed && (m_memory.memoryTypes[type].propertyFlags & flags) == flags) return type;
    }
  }
  throw Error(fmt::format("{} has no memory of the kind that is needed (flags {:#x}).", m_info.name, wanted));
}

DeviceMemory Device::memory() const {
  DeviceMemory memory{.total = m_info.memoryBytes,
                      .free = m_info.memoryBytes - std::min(m_info.memoryBytes, m_allocatedBytes)};
  if (m_info.isSoftware()) {
    const std::uint64_t available = systemMemory().free;
    if (available > 0) memory.free = std::min(memory.total, available);
  } else if (m_info.memoryBudget) {
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 properties{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, .pNext = &budget};
    vkGetPhysicalDeviceMemoryProperties2(m_physicalDevice, &properties);
    // The heap that Buffer takes device memory from.
    const std::uint32_t type = memoryType(~0u, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0);
    const std::uint32_t heap = m_memory.memoryTypes[type].heapIndex;
    memory.free = budget.heapBudget[heap] - std::min(budget.heapBudget[heap], budget.heapUsage[heap]);
  }
  return memory;
}

void Device::finishUploads() {
  m_stagingRing->finish();
}

void Device::settleUploads() noexcept {
  if (!m_stagingRing->isBusy()) return;
  try {
    m_stagingRing->finish();
  } catch (const Error&) {
    // What could not be submitted does not run; what was submitted is waited for here.
    vkDeviceWaitIdle(get());
  }
}

void Device::submit(std::span<const VkCommandBuffer> commands, VkFence fence) {
  const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                            .commandBufferCount = static_cast<std::uint32_t>(commands.size()),
                            .pCommandBuffers = commands.data()};
  check(vkQueueSubmit(m_queue, 1, &submit, fence), fmt::format("submit work to {}", m_info.name));
}

void Device::wait(VkFence fence) {
  VkResult result = VK_TIMEOUT;
  while (result == VK_TIMEOUT) result = vkWaitForFences(get(), 1, &fence, VK_TRUE, UINT64_MAX);
  // The caller is about to free what the work uses.
  if (result != VK_SUCCESS) vkDeviceWaitIdle(get());
  check(result, fmt::format("finish the work on {}", m_info.name));
}

void Device::run(std::span<const VkCommandBuffer> commands) {
  m_stagingRing->flush();
  const VkFence fence = m_fence.get();
  check(vkResetFences(get(), 1, &fence), "prepare a submission");
  submit(commands, fence);
  wait(fence);
}

}  // namespace headroom::vulkan
