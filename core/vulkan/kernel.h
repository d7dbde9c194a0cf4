#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include <vulkan/vulkan.h>

#include "core/vulkan/device.h"
#include "core/vulkan/handle.h"

namespace headroom::vulkan {

/// A compute pipeline: SPIR-V words, the kinds of its bindings 0, 1, ..., and its specialization constants
/// 0, 1, ..., and the size of its push constants.
class Kernel {
 public:
  Kernel(Device& device, std::string name, std::span<const std::uint32_t> words,
         std::vector<VkDescriptorType> bindings, std::span<const std::uint32_t> constants,
         std::uint32_t pushBytes = 0);

  const std::string& name() const { return m_name; }
  VkPipeline pipeline() const { return m_pipeline.get(); }
  VkPipelineLayout layout() const { return m_layout.get(); }
  VkDescriptorSetLayout setLayout() const { return m_setLayout.get(); }
  const std::vector<VkDescriptorType>& bindings() const { return m_bindings; }
  std::uint32_t pushBytes() const { return m_pushBytes; }

 private:
  std::string m_name;
  std::vector<VkDescriptorType> m_bindings;
  std::uint32_t m_pushBytes;
  Handle<VkDescriptorSetLayout, vkDestroyDescriptorSetLayout> m_setLayout;
  Handle<VkPipelineLayout, vkDestroyPipelineLayout> m_layout;
  Handle<VkPipeline, vkDestroyPipeline> m_pipeline;
};

}  // namespace headroom::vulkan
