#include "core/vulkan/kernel.h"

#include <fmt/format.h>

#include "core/vulkan/check.h"
#include "core/vulkan/cooperative_matrix.h"

namespace headroom::vulkan {

Kernel::Kernel(Device& device, std::string name, std::span<const std::uint32_t> words,
               std::vector<VkDescriptorType> bindings, std::span<const std::uint32_t> constants,
               std::uint32_t pushBytes)
    : m_name(std::move(name)), m_bindings(std::move(bindings)), m_pushBytes(pushBytes) {
  const std::string trying = fmt::format("build the kernel {} on {}", m_name, device.info().name);
  std::vector<VkDescriptorSetLayoutBinding> layoutBindings;
  for (VkDescriptorType type : m_bindings) {
    layoutBindings.push_back({.binding = static_cast<std::uint32_t>(layoutBindings.size()),
                              .descriptorType = type,
                              .descriptorCount = 1,
                              .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT});
  }
  const VkDescriptorSetLayoutCreateInfo setInfo{
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = static_cast<std::uint32_t>(layoutBindings.size()),
      .pBindings = layoutBindings.data()};
  VkDescriptorSetLayout setLayout;
  check(vkCreateDescriptorSetLayout(device.get(), &setInfo, nullptr, &setLayout), trying);
  m_setLayout = {device.get(), setLayout};

  const VkPushConstantRange pushRange{.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = pushBytes};
  const VkPipelineLayoutCreateInfo layoutInfo{.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                              .setLayoutCount = 1,
                                              .pSetLayouts = &setLayout,
                                              .pushConstantRangeCount = pushBytes > 0 ? 1u : 0u,
                                              .pPushConstantRanges = &pushRange};
  VkPipelineLayout layout;
  check(vkCreatePipelineLayout(device.get(), &layoutInfo, nullptr, &layout), trying);
  m_layout = {device.get(), layout};

  const VkShaderModuleCreateInfo moduleInfo{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                            .codeSize = words.size_bytes(),
                                            .pCode = words.data()};
  VkShaderModule module;
  check(vkCreateShaderModule(device.get(), &moduleInfo, nullptr, &module), trying);
  const Handle<VkShaderModule, vkDestroyShaderModule> moduleOwner(device.get(), module);

  std::vector<VkSpecializationMapEntry> entries;
  for (std::uint32_t id = 0; id < constants.size(); ++id) {
    entries.push_back({.constantID = id, .offset = id * 4, .size = 4});
  }
  const VkSpecializationInfo specialization{.mapEntryCount = static_cast<std::uint32_t>(entries.size()),
                                            .pMapEntries = entries.data(),
                                            .dataSize = constants.size_bytes(),
                                            .pData = constants.data()};
  const VkComputePipelineCreateInfo pipelineInfo{
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
          {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
           .flags =
               usesCooperativeMatrices(words)
                   ? VkPipelineShaderStageCreateFlags{VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT}
                   : 0,
           .stage = VK_SHADER_STAGE_COMPUTE_BIT,
           .module = module,
           .pName = "main",
           .pSpecializationInfo = &specialization},
      .layout = layout};
  VkPipeline pipeline;
  check(vkCreateComputePipelines(device.get(), device.pipelineCache().get(), 1, &pipelineInfo, nullptr,
                                 &pipeline),
        trying);
  m_pipeline = {device.get(), pipeline};
}

}  // namespace headroom::vulkan
