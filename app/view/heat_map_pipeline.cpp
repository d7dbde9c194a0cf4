#include "app/view/heat_map_pipeline.h"

#include <array>
#include <cstddef>
#include <span>

namespace headroom::view {

namespace {

constexpr std::uint32_t kVertexWords[] = {
#include "heat_map_vert.spv.inc"
};
constexpr std::uint32_t kFragmentWords[] = {
#include "heat_map_frag.spv.inc"
};

class ShaderModule {
 public:
  ShaderModule(VkDevice device, std::span<const std::uint32_t> words) : m_device(device) {
    const VkShaderModuleCreateInfo info{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                        .pNext = nullptr,
                                        .flags = 0,
                                        .codeSize = words.size_bytes(),
                                        .pCode = words.data()};
    checkVk(vkCreateShaderModule(device, &info, nullptr, &m_module), "Creating a shader for the view");
  }
  ShaderModule(const ShaderModule&) = delete;
  ShaderModule& operator=(const ShaderModule&) = delete;
  ~ShaderModule() { vkDestroyShaderModule(m_device, m_module, nullptr); }

  VkPipelineShaderStageCreateInfo stage(VkShaderStageFlagBits bit) const {
    return {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .pNext = nullptr,
            .flags = 0,
            .stage = bit,
            .module = m_module,
            .pName = "main",
            .pSpecializationInfo = nullptr};
  }

 private:
  VkDevice m_device;
  VkShaderModule m_module = VK_NULL_HANDLE;
};

constexpr VkDescriptorSetLayoutBinding texelBinding(std::uint32_t binding) {
  return {.binding = binding,
          .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
          .descriptorCount = 1,
          .stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT,
          .pImmutableSamplers = nullptr};
}

}  // namespace

HeatMapPipeline::HeatMapPipeline(VkDevice device) : m_device(device) {}

HeatMapPipeline::HeatMapPipeline(VkDevice device, VkRenderPass renderPass) : HeatMapPipeline(device) {
  const std::array bindings{texelBinding(0), texelBinding(1)};
  VkDescriptorSetLayoutCreateInfo setInfo{};
  setInfo.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  setInfo.bindingCount = bindings.size();
  setInfo.pBindings = bindings.data();
  checkVk(vkCreateDescriptorSetLayout(device, &setInfo, nullptr, &m_setLayout),
          "Creating the heat map's layout");

  const VkPushConstantRange push{.stageFlags = VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT,
                                 .offset = 0,
                                 .size = sizeof(HeatMapParams)};
  VkPipelineLayoutCreateInfo layoutInfo{};
  layoutInfo.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layoutInfo.setLayoutCount = 1;
  layoutInfo.pSetLayouts = &m_setLayout;
  layoutInfo.pushConstantRangeCount = 1;
  layoutInfo.pPushConstantRanges = &push;
  checkVk(vkCreatePipelineLayout(device, &layoutInfo, nullptr, &m_layout), "Creating the heat map's layout");
  createPipeline(renderPass);
}

void HeatMapPipeline::createPipeline(VkRenderPass renderPass) {
  const ShaderModule vertex(m_device, kVertexWords);
  const ShaderModule fragment(m_device, kFragmentWords);
  const std::array stages{vertex.stage(VK_SHADER_STAGE_VERTEX_BIT),
                          fragment.stage(VK_SHADER_STAGE_FRAGMENT_BIT)};

  const VkVertexInputBindingDescription binding{
      .binding = 0, .stride = sizeof(HeatMapInstance), .inputRate = VK_VERTEX_INPUT_RATE_INSTANCE};
  const std::array<VkVertexInputAttributeDescription, 4> attributes{{
      {0, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(HeatMapInstance, rectangle)},
      {1, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(HeatMapInstance, window)},
      {2, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(HeatMapInstance, limits)},
      {3, 0, VK_FORMAT_R32G32B32A32_UINT, offsetof(HeatMapInstance, slot)},
  }};
  VkPipelineVertexInputStateCreateInfo input{};
  input.sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO;
  input.vertexBindingDescriptionCount = 1;
  input.pVertexBindingDescriptions = &binding;
  input.vertexAttributeDescriptionCount = attributes.size();
  input.pVertexAttributeDescriptions = attributes.data();

  VkPipelineInputAssemblyStateCreateInfo assembly{};
  assembly.sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO;
  assembly.topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP;

  VkPipelineViewportStateCreateInfo viewport{};
  viewport.sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO;
  viewport.viewportCount = 1;
  viewport.scissorCount = 1;

  VkPipelineRasterizationStateCreateInfo raster{};
  raster.sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO;
  raster.polygonMode = VK_POLYGON_MODE_FILL;
  raster.cullMode = VK_CULL_MODE_NONE;
  raster.lineWidth = 1.0f;

  VkPipelineMultisampleStateCreateInfo samples{};
  samples.sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO;
  samples.rasterizationSamples = VK_SAMPLE_COUNT_1_BIT;

  // QVulkanWindow's render pass has a depth attachment that nothing here uses.
  VkPipelineDepthStencilStateCreateInfo depth{};
  depth.sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO;

  VkPipelineColorBlendAttachmentState opaque{};
  opaque.colorWriteMask = VK_COLOR_COMPONENT_R_BIT | VK_COLOR_COMPONENT_G_BIT | VK_COLOR_COMPONENT_B_BIT |
                          VK_COLOR_COMPONENT_A_BIT;
  VkPipelineColorBlendStateCreateInfo blend{};
  blend.sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO;
  blend.attachmentCount = 1;
  blend.pAttachments = &opaque;

  const std::array dynamicStates{VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR};
  VkPipelineDynamicStateCreateInfo dynamic{};
  dynamic.sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO;
  dynamic.dynamicStateCount = dynamicStates.size();
  dynamic.pDynamicStates = dynamicStates.data();

  VkGraphicsPipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO;
  info.stageCount = stages.size();
  info.pStages = stages.data();
  info.pVertexInputState = &input;
  info.pInputAssemblyState = &assembly;
  info.pViewportState = &viewport;
  info.pRasterizationState = &raster;
  info.pMultisampleState = &samples;
  info.pDepthStencilState = &depth;
  info.pColorBlendState = &blend;
  info.pDynamicState = &dynamic;
  info.layout = m_layout;
  info.renderPass = renderPass;
  checkVk(vkCreateGraphicsPipelines(m_device, VK_NULL_HANDLE, 1, &info, nullptr, &m_pipeline),
          "Creating the heat map's pipeline");
}

HeatMapPipeline::~HeatMapPipeline() {
  vkDestroyPipeline(m_device, m_pipeline, nullptr);
  vkDestroyPipelineLayout(m_device, m_layout, nullptr);
  vkDestroyDescriptorSetLayout(m_device, m_setLayout, nullptr);
}

}  // namespace headroom::view
