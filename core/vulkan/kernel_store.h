#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "core/vulkan/kernel.h"

namespace headroom::vulkan {

/// The kernels of a device, each built once and kept as long as the device: two decoders of one shape, or the
/// two tiles of one decoder, share what is the same in both. Building one takes a driver 10 to 30 ms.
class KernelStore {
 public:
  explicit KernelStore(Device& device) : m_device(device) {}

  /// The kernel of these parts, see Kernel; `words` are code that stays where it is. Throws Error.
  const Kernel& get(const std::string& name, std::span<const std::uint32_t> words,
                    const std::vector<VkDescriptorType>& bindings,
                    const std::vector<std::uint32_t>& constants, std::uint32_t pushBytes);
  std::size_t size() const { return m_kernels.size(); }

 private:
  using Key = std::tuple<const std::uint32_t*, std::vector<VkDescriptorType>, std::vector<std::uint32_t>,
                         std::uint32_t>;

  Device& m_device;
  std::map<Key, Kernel> m_kernels;
};

}  // namespace headroom::vulkan
