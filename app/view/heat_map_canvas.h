#pragma once

#include <vulkan/vulkan.h>

#include <deque>
#include <span>
#include <vector>

#include "app/panels/panel.h"
#include "app/view/gpu_buffer.h"
#include "app/view/heat_map_pages.h"
#include "app/view/quad_pipeline.h"

namespace headroom::view {

/// One map as the vertex stage reads it: shaders/heat_map.vert.
struct HeatMapInstance {
  float rectangle[4];
  float window[4];
  float limits[4];
  std::uint32_t slot[4];
};
static_assert(sizeof(HeatMapInstance) == 64);

/// HeatMapCanvas on the window's device. Panels add drawings while ImGui builds the frame; ImGui's draw
/// callbacks then record them into the frame's command buffer.
class GpuHeatMapCanvas : public panels::HeatMapCanvas {
 public:
  GpuHeatMapCanvas(const GpuContext& gpu, VkRenderPass renderPass, std::uint32_t maximumTexels,
                   int framesInFlight);
  GpuHeatMapCanvas(const GpuHeatMapCanvas&) = delete;
  GpuHeatMapCanvas& operator=(const GpuHeatMapCanvas&) = delete;
  /// Before panels draw: forgets the drawings of the last frame.
  void beginFrame(int frameInFlight, session::Color ground);
  /// After panels drew, before ImGui's draw data are recorded.
  void beginRecording(VkCommandBuffer commands, ImVec2 viewport);

  int rowsHeld(panels::MapKey key, std::uint64_t generation) const override;
  void update(const panels::MapCells& cells) override;
  void draw(ImDrawList& list, std::span<const panels::MapDrawing> drawings, session::ColorMap colorMap,
            session::MapScale scale) override;

 private:
  /// Consecutive instances of one page.
  struct Batch {
    GpuHeatMapCanvas* canvas = nullptr;
    std::uint32_t page = 0;
    std::uint32_t firstInstance = 0;
    std::uint32_t instanceCount = 0;
    session::ColorMap colorMap = session::ColorMap::Viridis;
    session::MapScale scale = session::MapScale::Linear;
  };

  static void recordCallback(const ImDrawList* list, const ImDrawCmd* command);
  void record(const Batch& batch, const ImVec4& clip);
  VkDescriptorSet descriptorSet(std::uint32_t page);
  void uploadColors();

  GpuContext m_gpu;
  QuadPipeline m_pipeline;
  TexelSets m_sets;
  HeatMapPages m_pages;
  TexelBuffer m_colors;
  std::vector<VkDescriptorSet> m_descriptorSets;  // [page]
  std::vector<GpuBuffer> m_instanceBuffers;       // [frame in flight]
  std::size_t m_frame = 0;
  std::vector<HeatMapInstance> m_instances;
  std::deque<Batch> m_batches;  // stable addresses, ImGui's commands point to them
  VkCommandBuffer m_commands = VK_NULL_HANDLE;
  ImVec2 m_viewport;
  session::Color m_ground;
};

}  // namespace headroom::view
