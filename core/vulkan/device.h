#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <vulkan/vulkan.h>

#include "core/vulkan/handle.h"
#include "core/vulkan/instance.h"
#include "core/vulkan/pipeline_cache.h"

namespace headroom::vulkan {

/// What a physical device says of itself.
struct DeviceInfo {
  int index = 0;  ///< in Instance::physicalDevices()
  std::string name;
  std::string label;   ///< the name; "NAME #2" for the second one of a name
  std::string driver;  ///< driver name and its own version text
  VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
  std::uint32_t apiVersion = 0;
  std::uint32_t subgroupSize = 0;
  std::uint32_t computeUnits =
      0;  ///< multiprocessors that workgroups are spread over; 0: the driver does not tell
  VkSubgroupFeatureFlags subgroupOperations = 0;
  std::uint64_t memoryBytes = 0;  ///< of the largest device-local heap; of a software device the system's
  bool memoryBudget = false;      ///< it says how much of its memory is free, VK_EXT_memory_budget
  bool storage16Bit = false;      ///< kernels may load and store f16
  std::uint32_t matrixSide = 0;   ///< see cooperativeMatrixSide(); 0: kernels have no cooperative matrices
  VkPhysicalDeviceLimits limits{};
  std::optional<std::uint32_t> computeQueueFamily;  ///< none: it is listed, and cannot decode
  double timestampPeriodNs = 0.0;                   ///< 0 when the compute queue has no time stamps
  std::uint32_t timestampValidBits = 0;             ///< of the compute queue; see ticksBetween()

  /// Whether the system's processor does a device's work.
  bool isSoftware() const { return type == VK_PHYSICAL_DEVICE_TYPE_CPU; }
  /// Of a workgroup with one dimension.
  int mostInvocations() const {
    return static_cast<int>(
        std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]));
  }
};

/// Memory of a device, in bytes, at one moment.
struct DeviceMemory {
  std::uint64_t total = 0;
  std::uint64_t free = 0;  ///< that this program may still take
};

std::vector<DeviceInfo> listDevices(const Instance& instance);

/// "software", "integrated GPU", "discrete GPU", "virtual GPU" or "other".
std::string_view typeName(VkPhysicalDeviceType type);

/// "1.3.230" of VkPhysicalDeviceProperties::apiVersion.
std::string versionText(std::uint32_t apiVersion);

/// The device that `wanted` names: an index, a label, or a part of a name in any case; empty picks the first
/// discrete GPU, else an integrated one, else whatever there is that computes. Throws Error that lists what
/// there is.
DeviceInfo chooseDevice(const Instance& instance, const std::string& wanted);

class KernelStore;
class StagingRing;

/// A logical device with one compute queue. Used by one thread at a time.
class Device {
 public:
  /// Compiled kernels are kept in `cacheFolder` between runs, unless it is empty. Throws Error when the
  /// device cannot run the engine, naming what it lacks.
  Device(const Instance& instance, const DeviceInfo& info, const std::string& cacheFolder = {});
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  VkDevice get() const { return m_device.get(); }
  const DeviceInfo& info() const { return m_info; }
  const PipelineCache& pipelineCache() const { return m_pipelineCache; }
  VkCommandPool commandPool() const { return m_commandPool.get(); }

  /// Index of a memory type with all of `wanted`, preferring one that also has all of `preferred`.
  std::uint32_t memoryType(std::uint32_t allowedBits, VkMemoryPropertyFlags wanted,
                           VkMemoryPropertyFlags preferred) const;
  /// What is there and free now. Free is what a software device's system has available, what the driver
  /// grants (VK_EXT_memory_budget), or else all of it but this device's own buffers.
  DeviceMemory memory() const;
  /// Bytes of all buffers of this device that exist now: asked for, and as its memory was taken for them.
  std::uint64_t requestedBytes() const { return m_requestedBytes; }
  std::uint64_t allocatedBytes() const { return m_allocatedBytes; }
  void countAllocation(std::uint64_t requested, std::uint64_t allocated) {
    m_requestedBytes += requested;
    m_allocatedBytes += allocated;
  }
  void countRelease(std::uint64_t requested, std::uint64_t allocated) {
    m_requestedBytes -= requested;
    m_allocatedBytes -= allocated;
  }

  KernelStore& kernels() { return *m_kernels; }
  /// What upload() goes through.
  StagingRing& stagingRing() { return *m_stagingRing; }
  /// Waits for uploads; returns at once when there are none. Throws Error.
  void finishUploads();
  /// The same for destructors: nothing of this device's uploads runs any more when it returns.
  void settleUploads() noexcept;

  /// Submits one recorded command buffer after the uploads so far and waits until it is done; a driver that
  /// hangs reports loss. Throws Error.
  void run(VkCommandBuffer commands) { run(std::span(&commands, 1)); }
  /// The same of several, in their order.
  void run(std::span<const VkCommandBuffer> commands);
  /// Submits without waiting; `fence` is unsignaled. Throws Error.
  void submit(VkCommandBuffer commands, VkFence fence) { submit(std::span(&commands, 1), fence); }
  /// Waits until `fence` is signaled. When it throws Error, nothing that was submitted runs any more.
  void wait(VkFence fence);

 private:
  void submit(std::span<const VkCommandBuffer> commands, VkFence fence);

  struct Destroy {
    void operator()(VkDevice device) const { vkDestroyDevice(device, nullptr); }
  };

  DeviceInfo m_info;
  VkPhysicalDevice m_physicalDevice = VK_NULL_HANDLE;
  VkPhysicalDeviceMemoryProperties m_memory{};
  std::unique_ptr<std::remove_pointer_t<VkDevice>, Destroy> m_device;
  VkQueue m_queue = VK_NULL_HANDLE;
  std::uint64_t m_requestedBytes = 0;
  std::uint64_t m_allocatedBytes = 0;
  Handle<VkCommandPool, vkDestroyCommandPool> m_commandPool;
  Handle<VkFence, vkDestroyFence> m_fence;
  PipelineCache m_pipelineCache;
  std::unique_ptr<KernelStore> m_kernels;
  std::unique_ptr<StagingRing> m_stagingRing;
};

}  // namespace headroom::vulkan
