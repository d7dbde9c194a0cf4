#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vulkan/vulkan.h>

#include "core/vulkan/handle.h"

namespace headroom::vulkan {

/// The driver's compiled kernels, kept in a file between runs. A file that is missing, broken or of another
/// device or driver is as good as none; nothing here fails for its sake.
class PipelineCache {
 public:
  PipelineCache() = default;
  /// Keeps the file in `folder`, which is made when needed; an empty one keeps nothing. Throws Error when the
  /// driver cannot make a cache at all.
  PipelineCache(VkDevice device, const VkPhysicalDeviceProperties& properties, const std::string& folder);

  VkPipelineCache get() const { return m_cache.get(); }
  /// Bytes that the driver was given at the start.
  std::uint64_t loadedBytes() const { return m_loaded.size(); }
  const std::filesystem::path& path() const { return m_path; }
  /// Writes the file when there is something new.
  void save() noexcept;

 private:
  void writeIfNew();

  VkDevice m_device = VK_NULL_HANDLE;
  Handle<VkPipelineCache, vkDestroyPipelineCache> m_cache;
  std::filesystem::path m_path;
  std::vector<char> m_loaded;
};

}  // namespace headroom::vulkan
