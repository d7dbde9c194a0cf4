#include "app/view/quad_pipeline.h"

#include <algorithm>
#include <array>
#include <vector>

namespace headroom::view {

namespace {

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

constexpr VkShaderStageFlags kBothStages = VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT;

constexpr VkDescriptorSetLayoutBinding texelBinding(std::uint32_t binding) {
  return {.binding = binding,
          .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
          .descriptorCount = 1,
          .stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT,
          .pImmutableSamplers = nullptr};
}

}  // namespace

QuadPipeline::QuadPipeline(VkDevice device) : m_device(device) {}

QuadPipeline::QuadPipeline(VkDevice device, VkRenderPass renderPass, const QuadProgram& program)
    : QuadPipeline(device) {
  createLayouts(program);
  createPipeline(renderPass, program);
}

void QuadPipeline::createLayouts(const QuadProgram& program) {
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  for (std::uint32_t binding = 0; binding < program.texelBufferCount; ++binding) {
    bindings.push_back(texelBinding(binding));
  }
  VkDescriptorSetLayoutCreateInfo setInfo{};
  setInfo.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  setInfo.bindingCount = static_cast<std::uint32_t>(bindings.size());
  setInfo.pBindings = bindings.data();
  checkVk(vkCreateDescriptorSetLayout(m_device, &setInfo, nullptr, &m_setLayout),
          "Creating a layout for the view");

  const VkPushConstantRange push{.stageFlags = kBothStages, .offset = 0, .size = program.paramBytes};
  VkPipelineLayoutCreateInfo layoutInfo{};
  layoutInfo.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layoutInfo.setLayoutCount = 1;
  layoutInfo.pSetLayouts = &m_setLayout;
  layoutInfo.pushConstantRangeCount = 1;
  layoutInfo.pPushConstantRanges = &push;
  checkVk(vkCreatePipelineLayout(m_device, &layoutInfo, nullptr, &m_layout),
          "Creating a layout for the view");
}

void QuadPipeline::createPipeline(VkRenderPass renderPass, const QuadProgram& program) {
  const ShaderModule vertex(m_device, program.vertexWords);
  const ShaderModule fragment(m_device, program.fragmentWords);
  const std::array stages{vertex.stage(VK_SHADER_STAGE_VERTEX_BIT),
                          fragment.stage(VK_SHADER_STAGE_FRAGMENT_BIT)};

  const VkVertexInputBindingDescription binding{
      .binding = 0, .stride = program.instanceBytes, .inputRate = VK_VERTEX_INPUT_RATE_INSTANCE};
  VkPipelineVertexInputStateCreateInfo input{};
  input.sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO;
  input.vertexBindingDescriptionCount = 1;
  input.pVertexBindingDescriptions = &binding;
  input.vertexAttributeDescriptionCount = static_cast<std::uint32_t>(program.attributes.size());
  input.pVertexAttributeDescriptions = program.attributes.data();

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

  VkPipelineColorBlendAttachmentState attachment{};
  attachment.blendEnable = program.blend == QuadBlend::Over ? VK_TRUE : VK_FALSE;
  attachment.srcColorBlendFactor = VK_BLEND_FACTOR_ONE;
  attachment.dstColorBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA;
  attachment.srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE;
  attachment.dstAlphaBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA;
  attachment.colorWriteMask = VK_COLOR_COMPONENT_R_BIT | VK_COLOR_COMPONENT_G_BIT | VK_COLOR_COMPONENT_B_BIT |
                              VK_COLOR_COMPONENT_A_BIT;
  VkPipelineColorBlendStateCreateInfo blend{};
  blend.sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO;
  blend.attachmentCount = 1;
  blend.pAttachments = &attachment;

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
          "Creating a pipeline for the view");
}

QuadPipeline::~QuadPipeline() {
  vkDestroyPipeline(m_device, m_pipeline, nullptr);
  vkDestroyPipelineLayout(m_device, m_layout, nullptr);
  vkDestroyDescriptorSetLayout(m_device, m_setLayout, nullptr);
}

void QuadPipeline::record(VkCommandBuffer commands, const QuadDraw& draw) const {
  const float left = std::clamp(draw.clip[0], 0.0f, draw.viewport[0]);
  const float top = std::clamp(draw.clip[1], 0.0f, draw.viewport[1]);
  const float right = std::clamp(draw.clip[2], left, draw.viewport[0]);
  const float bottom = std::clamp(draw.clip[3], top, draw.viewport[1]);
  const VkRect2D scissor{
      .offset = {static_cast<std::int32_t>(left), static_cast<std::int32_t>(top)},
      .extent = {static_cast<std::uint32_t>(right - left), static_cast<std::uint32_t>(bottom - top)}};
  const VkViewport viewport{0.0f, 0.0f, draw.viewport[0], draw.viewport[1], 0.0f, 1.0f};
  const VkDeviceSize offset = 0;
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, m_pipeline);
  vkCmdSetViewport(commands, 0, 1, &viewport);
  vkCmdSetScissor(commands, 0, 1, &scissor);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, m_layout, 0, 1, &draw.set, 0, nullptr);
  vkCmdBindVertexBuffers(commands, 0, 1, &draw.instances, &offset);
  vkCmdPushConstants(commands, m_layout, kBothStages, 0, static_cast<std::uint32_t>(draw.params.size()),
                     draw.params.data());
  vkCmdDraw(commands, 4, draw.instanceCount, 0, draw.firstInstance);
}

TexelSets::TexelSets(VkDevice device, VkDescriptorSetLayout layout, std::uint32_t mostSets,
                     std::uint32_t texelBufferCount)
    : m_device(device), m_layout(layout) {
  const VkDescriptorPoolSize size{.type = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
                                  .descriptorCount = texelBufferCount * mostSets};
  VkDescriptorPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  info.maxSets = mostSets;
  info.poolSizeCount = 1;
  info.pPoolSizes = &size;
  checkVk(vkCreateDescriptorPool(device, &info, nullptr, &m_pool), "Creating descriptors for the view");
}

TexelSets::~TexelSets() {
  vkDestroyDescriptorPool(m_device, m_pool, nullptr);
}

VkDescriptorSet TexelSets::make(std::span<const VkBufferView> views) {
  VkDescriptorSetAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  info.descriptorPool = m_pool;
  info.descriptorSetCount = 1;
  info.pSetLayouts = &m_layout;
  VkDescriptorSet set = VK_NULL_HANDLE;
  checkVk(vkAllocateDescriptorSets(m_device, &info, &set), "Allocating descriptors for the view");
  std::vector<VkWriteDescriptorSet> writes(views.size());
  for (std::size_t binding = 0; binding < writes.size(); ++binding) {
    writes[binding].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    writes[binding].dstSet = set;
    writes[binding].dstBinding = static_cast<std::uint32_t>(binding);
    writes[binding].descriptorCount = 1;
    writes[binding].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    writes[binding].pTexelBufferView = &views[binding];
  }
  vkUpdateDescriptorSets(m_device, static_cast<std::uint32_t>(writes.size()), writes.data(), 0, nullptr);
  return set;
}

}  // namespace headroom::view
