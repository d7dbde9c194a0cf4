#include "app/view/heat_map_canvas.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace headroom::view {

namespace {

/// Push constants of heat_map.vert and heat_map.frag.
struct HeatMapParams {
  float viewport[2];
  std::int32_t colorMap;
  std::int32_t mapScale;
  float ground[4];
};
static_assert(sizeof(HeatMapParams) == 32);

constexpr std::uint32_t kVertexWords[] = {
#include "heat_map_vert.spv.inc"
};
constexpr std::uint32_t kFragmentWords[] = {
#include "heat_map_frag.spv.inc"
};
constexpr std::array<VkVertexInputAttributeDescription, 4> kAttributes{{
    {0, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(HeatMapInstance, rectangle)},
    {1, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(HeatMapInstance, window)},
    {2, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(HeatMapInstance, limits)},
    {3, 0, VK_FORMAT_R32G32B32A32_UINT, offsetof(HeatMapInstance, slot)},
}};
constexpr QuadProgram kProgram{.vertexWords = kVertexWords,
                               .fragmentWords = kFragmentWords,
                               .attributes = kAttributes,
                               .instanceBytes = sizeof(HeatMapInstance),
                               .paramBytes = sizeof(HeatMapParams),
                               .texelBufferCount = 2,
                               .blend = QuadBlend::Replace};
constexpr int kColorsPerMap = 256;
/// Pages of 8 MB; a thousand of them is more than any device would hold.
constexpr std::uint32_t kMaximumPages = 1024;
constexpr std::size_t kFirstInstances = 256;

}  // namespace

GpuHeatMapCanvas::GpuHeatMapCanvas(const GpuContext& gpu, VkRenderPass renderPass,
                                   std::uint32_t maximumTexels, int framesInFlight)
    : m_gpu(gpu),
      m_pipeline(gpu.device, renderPass, kProgram),
      m_sets(gpu.device, m_pipeline.setLayout(), kMaximumPages, kProgram.texelBufferCount),
      m_pages(gpu, maximumTexels),
      m_colors(gpu, VkDeviceSize{analysis::kAllColorMapCount} * kColorsPerMap * 4, VK_FORMAT_R8G8B8A8_UNORM),
      m_instanceBuffers(static_cast<std::size_t>(framesInFlight)) {
  uploadColors();
}

void GpuHeatMapCanvas::uploadColors() {
  std::byte* out = m_colors.data();
  for (int map = 0; map < analysis::kAllColorMapCount; ++map) {
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
    const auto next = static_cast<std::uint32_t>(m_descriptorSets.size());
    m_descriptorSets.push_back(m_sets.make(std::array{m_pages.view(next), m_colors.view()}));
  }
  return m_descriptorSets[page];
}

void GpuHeatMapCanvas::beginRecording(VkCommandBuffer commands, ImVec2 viewport) {
  m_commands = commands;
  m_viewport = viewport;
  if (m_instances.empty()) return;
  // QVulkanWindow has waited for this frame's last use of its buffer.
  refill<HeatMapInstance>(m_instanceBuffers[m_frame], m_gpu, m_instances, kFirstInstances);
}

void GpuHeatMapCanvas::recordCallback(const ImDrawList*, const ImDrawCmd* command) {
  const auto* batch = static_cast<const Batch*>(command->UserCallbackData);
  batch->canvas->record(*batch, command->ClipRect);
}

void GpuHeatMapCanvas::record(const Batch& batch, const ImVec4& clip) {
  const HeatMapParams params{
      .viewport = {m_viewport.x, m_viewport.y},
      .colorMap = static_cast<std::int32_t>(batch.colorMap),
      .mapScale = static_cast<std::int32_t>(batch.scale),
      .ground = {m_ground.red / 255.0f, m_ground.green / 255.0f, m_ground.blue / 255.0f, 1.0f}};
  m_pipeline.record(m_commands, {.viewport = {m_viewport.x, m_viewport.y},
                                 .clip = {clip.x, clip.y, clip.z, clip.w},
                                 .set = descriptorSet(batch.page),
                                 .instances = m_instanceBuffers[m_frame].handle(),
                                 .firstInstance = batch.firstInstance,
                                 .instanceCount = batch.instanceCount,
                                 .params = std::as_bytes(std::span(&params, 1))});
}

}  // namespace headroom::view
