#include "app/view/heat_map_canvas.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace headroom::view {

namespace {

constexpr int kColorsPerMap = 256;
/// Pages of 8 MB; a thousand of them is more than any device would hold.
constexpr std::uint32_t kMaximumPages = 1024;
constexpr VkDeviceSize kFirstInstances = 256;

}  // namespace

GpuHeatMapCanvas::GpuHeatMapCanvas(const GpuContext& gpu, VkRenderPass renderPass,
                                   std::uint32_t maximumTexels, int framesInFlight)
    : m_gpu(gpu),
      m_pipeline(gpu.device, renderPass),
      m_pages(gpu, maximumTexels),
      m_colors(gpu, VkDeviceSize{session::kColorMapCount} * kColorsPerMap * 4, VK_FORMAT_R8G8B8A8_UNORM),
      m_instanceBuffers(static_cast<std::size_t>(framesInFlight)) {
  const VkDescriptorPoolSize size{.type = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
                                  .descriptorCount = 2 * kMaximumPages};
  VkDescriptorPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  info.maxSets = kMaximumPages;
  info.poolSizeCount = 1;
  info.pPoolSizes = &size;
  checkVk(vkCreateDescriptorPool(gpu.device, &info, nullptr, &m_descriptorPool),
          "Creating descriptors for the view");
  uploadColors();
}

GpuHeatMapCanvas::~GpuHeatMapCanvas() {
  vkDestroyDescriptorPool(m_gpu.device, m_descriptorPool, nullptr);
}

void GpuHeatMapCanvas::uploadColors() {
  std::byte* out = m_colors.data();
  for (int map = 0; map < session::kColorMapCount; ++map) {
    for (int index = 0; index < kColorsPerMap; ++index) {
      const session::Color color =
          session::colorOf(static_cast<session::ColorMap>(map), index / double{kColorsPerMap - 1});
      const std::array<std::uint8_t, 4> texel{color.red, color.green, color.blue, color.alpha};
      std::memcpy(out, texel.data(), texel.size());
      out += texel.size();
    }
  }
}

void GpuHeatMapCanvas::beginFrame(int frameInFlight, session::Color ground) {
  m_ground = ground;
  m_frame = static_cast<std::size_t>(frameInFlight);
  m_instances.clear();
  m_batches.clear();
}

int GpuHeatMapCanvas::rowsHeld(panels::MapKey key, std::uint64_t generation) const {
  const MapSlot* slot = m_pages.find(key);
  return slot && slot->generation == generation ? static_cast<int>(slot->rowsHeld) : 0;
}

void GpuHeatMapCanvas::update(const panels::MapCells& cells) {
  m_pages.update(cells);
}

void GpuHeatMapCanvas::draw(ImDrawList& list, std::span<const panels::MapDrawing> drawings,
                            session::ColorMap colorMap, session::MapScale scale) {
  const auto push = [&](const Batch& batch) {
    list.AddCallback(&recordCallback, const_cast<Batch*>(&batch));
  };
  const Batch* open = nullptr;
  for (const panels::MapDrawing& drawing : drawings) {
    const MapSlot* slot = m_pages.find(drawing.key);
    if (!slot) continue;
    if (!open || open->page != slot->page) {
      m_batches.push_back({.canvas = this,
                           .page = slot->page,
                           .firstInstance = static_cast<std::uint32_t>(m_instances.size()),
                           .instanceCount = 0,
                           .colorMap = colorMap,
                           .scale = scale});
      open = &m_batches.back();
      push(*open);
    }
    m_instances.push_back(
        {.rectangle = {drawing.topLeft.x, drawing.topLeft.y, drawing.bottomRight.x, drawing.bottomRight.y},
         .window = {drawing.firstColumn, drawing.firstRow, drawing.lastColumn, drawing.lastRow},
         .limits = {drawing.litRows, drawing.validRows, std::max(drawing.maximum, 1e-6f), drawing.diagonal},
         .slot = {slot->firstCell, slot->columns, slot->rows, drawing.sinkInColumn0 ? 1u : 0u}});
    ++m_batches.back().instanceCount;
  }
  if (open) list.AddCallback(ImDrawCallback_ResetRenderState, nullptr);
}

VkDescriptorSet GpuHeatMapCanvas::descriptorSet(std::uint32_t page) {
  while (m_descriptorSets.size() <= page) {
    const VkDescriptorSetLayout layout = m_pipeline.setLayout();
    VkDescriptorSetAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    info.descriptorPool = m_descriptorPool;
    info.descriptorSetCount = 1;
    info.pSetLayouts = &layout;
    VkDescriptorSet set = VK_NULL_HANDLE;
    checkVk(vkAllocateDescriptorSets(m_gpu.device, &info, &set), "Allocating descriptors for the view");

    const std::array views{m_pages.view(static_cast<std::uint32_t>(m_descriptorSets.size())),
                           m_colors.view()};
    std::array<VkWriteDescriptorSet, 2> writes{};
    for (std::uint32_t binding = 0; binding < writes.size(); ++binding) {
      writes[binding].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
      writes[binding].dstSet = set;
      writes[binding].dstBinding = binding;
      writes[binding].descriptorCount = 1;
      writes[binding].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
      writes[binding].pTexelBufferView = &views[binding];
    }
    vkUpdateDescriptorSets(m_gpu.device, writes.size(), writes.data(), 0, nullptr);
    m_descriptorSets.push_back(set);
  }
  return m_descriptorSets[page];
}

void GpuHeatMapCanvas::beginRecording(VkCommandBuffer commands, ImVec2 viewport) {
  m_commands = commands;
  m_viewport = viewport;
  if (m_instances.empty()) return;
  GpuBuffer& buffer = m_instanceBuffers[m_frame];
  const VkDeviceSize needed = m_instances.size() * sizeof(HeatMapInstance);
  if (buffer.size() < needed) {
    // QVulkanWindow has waited for this frame's last use, so the old buffer is free to go.
    buffer = GpuBuffer(m_gpu, std::max(2 * needed, kFirstInstances * sizeof(HeatMapInstance)),
                       VK_BUFFER_USAGE_VERTEX_BUFFER_BIT);
  }
  std::memcpy(buffer.data(), m_instances.data(), needed);
}

void GpuHeatMapCanvas::recordCallback(const ImDrawList*, const ImDrawCmd* command) {
  const auto* batch = static_cast<const Batch*>(command->UserCallbackData);
  batch->canvas->record(*batch, command->ClipRect);
}

void GpuHeatMapCanvas::record(const Batch& batch, const ImVec4& clip) {
  const float left = std::clamp(clip.x, 0.0f, m_viewport.x);
  const float top = std::clamp(clip.y, 0.0f, m_viewport.y);
  const float right = std::clamp(clip.z, left, m_viewport.x);
  const float bottom = std::clamp(clip.w, top, m_viewport.y);
  const VkRect2D scissor{
      .offset = {static_cast<std::int32_t>(left), static_cast<std::int32_t>(top)},
      .extent = {static_cast<std::uint32_t>(right - left), static_cast<std::uint32_t>(bottom - top)}};
  const VkViewport viewport{0.0f, 0.0f, m_viewport.x, m_viewport.y, 0.0f, 1.0f};
  const VkDescriptorSet set = descriptorSet(batch.page);
  const VkBuffer instances = m_instanceBuffers[m_frame].handle();
  const VkDeviceSize offset = 0;
  const HeatMapParams params{
      .viewport = {m_viewport.x, m_viewport.y},
      .colorMap = static_cast<std::int32_t>(batch.colorMap),
      .mapScale = static_cast<std::int32_t>(batch.scale),
      .ground = {m_ground.red / 255.0f, m_ground.green / 255.0f, m_ground.blue / 255.0f, 1.0f}};
  vkCmdBindPipeline(m_commands, VK_PIPELINE_BIND_POINT_GRAPHICS, m_pipeline.handle());
  vkCmdSetViewport(m_commands, 0, 1, &viewport);
  vkCmdSetScissor(m_commands, 0, 1, &scissor);
  vkCmdBindDescriptorSets(m_commands, VK_PIPELINE_BIND_POINT_GRAPHICS, m_pipeline.layout(), 0, 1, &set, 0,
                          nullptr);
  vkCmdBindVertexBuffers(m_commands, 0, 1, &instances, &offset);
  vkCmdPushConstants(m_commands, m_pipeline.layout(),
                     VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT, 0, sizeof(params), &params);
  vkCmdDraw(m_commands, 4, batch.instanceCount, 0, batch.firstInstance);
}

}  // namespace headroom::view
