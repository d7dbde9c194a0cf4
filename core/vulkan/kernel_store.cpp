#include "core/vulkan/kernel_store.h"

namespace headroom::vulkan {

const Kernel& KernelStore::get(const std::string& name, std::span<const std::uint32_t> words,
                               const std::vector<VkDescriptorType>& bindings,
                               const std::vector<std::uint32_t>& constants, std::uint32_t pushBytes) {
  Key key(words.data(), bindings, constants, pushBytes);
  const auto found = m_kernels.find(key);
  if (found != m_kernels.end()) return found->second;
  return m_kernels.emplace(std::move(key), Kernel(m_device, name, words, bindings, constants, pushBytes))
      .first->second;
}

}  // namespace headroom::vulkan
