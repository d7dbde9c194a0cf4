#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>

#include "app/view/gpu_buffer.h"

namespace headroom::view {

/// One map as the vertex stage reads it: shaders/heat_map.vert.
struct HeatMapInstance {
  float rectangle[4];
  float window[4];
  float limits[4];
  std::uint32_t slot[4];
};
static_assert(sizeof(HeatMapInstance) == 64);

/// Push constants of heat_map.vert and heat_map.frag.
struct HeatMapParams {
  float viewport[2];
  std::int32_t colorMap;
  std::int32_t mapScale;
  float ground[4];
};
static_assert(sizeof(HeatMapParams) == 32);

/// The graphics pipeline that colours attention maps, and its layouts.
class HeatMapPipeline {
 public:
  HeatMapPipeline(VkDevice device, VkRenderPass renderPass);
  HeatMapPipeline(const HeatMapPipeline&) = delete;
  HeatMapPipeline& operator=(const HeatMapPipeline&) = delete;
  ~HeatMapPipeline();

  VkPipeline handle() const { return m_pipeline; }
  VkPipelineLayout layout() const { return m_layout; }
  VkDescriptorSetLayout setLayout() const { return m_setLayout; }

 private:
  /// The public constructor builds on this one, so that the destructor clears up when it fails half way.
  explicit HeatMapPipeline(VkDevice device);
  void createPipeline(VkRenderPass renderPass);

  VkDevice m_device;
  VkDescriptorSetLayout m_setLayout = VK_NULL_HANDLE;
  VkPipelineLayout m_layout = VK_NULL_HANDLE;
  VkPipeline m_pipeline = VK_NULL_HANDLE;
};

}  // namespace headroom::view
