#pragma once

#include <vulkan/vulkan.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "app/view/gpu_buffer.h"

namespace headroom::view {

/// What a pixel of a quad does with the one that is there.
enum class QuadBlend {
  Replace,
  Over,  ///< with colours that are multiplied by their alpha already
};

/// What differs between the pipelines of the live view. Spans are read by the constructor only.
struct QuadProgram {
  std::span<const std::uint32_t> vertexWords;    ///< SPIR-V
  std::span<const std::uint32_t> fragmentWords;  ///< SPIR-V
  /// Of one instance; four vertices make a strip of it, by gl_VertexIndex.
  std::span<const VkVertexInputAttributeDescription> attributes;
  std::uint32_t instanceBytes = 0;
  std::uint32_t paramBytes = 0;        ///< push constants, which both stages see
  std::uint32_t texelBufferCount = 1;  ///< bindings 0, 1, ... of set 0, which the fragment stage reads
  QuadBlend blend = QuadBlend::Replace;
};

/// Instances of one draw call inside ImGui's picture.
struct QuadDraw {
  float viewport[2];  ///< pixels
  float clip[4];      ///< pixels: left, top, right, bottom
  VkDescriptorSet set = VK_NULL_HANDLE;
  VkBuffer instances = VK_NULL_HANDLE;
  std::uint32_t firstInstance = 0;
  std::uint32_t instanceCount = 0;
  std::span<const std::byte> params;
};

/// A graphics pipeline that draws rectangles with what texel buffers hold, and its layouts.
class QuadPipeline {
 public:
  QuadPipeline(VkDevice device, VkRenderPass renderPass, const QuadProgram& program);
  QuadPipeline(const QuadPipeline&) = delete;
  QuadPipeline& operator=(const QuadPipeline&) = delete;
  ~QuadPipeline();

  VkDescriptorSetLayout setLayout() const { return m_setLayout; }
  void record(VkCommandBuffer commands, const QuadDraw& draw) const;

 private:
  /// The public constructor builds on this one, so that the destructor clears up when it fails half way.
  explicit QuadPipeline(VkDevice device);
  void createLayouts(const QuadProgram& program);
  void createPipeline(VkRenderPass renderPass, const QuadProgram& program);

  VkDevice m_device;
  VkDescriptorSetLayout m_setLayout = VK_NULL_HANDLE;
  VkPipelineLayout m_layout = VK_NULL_HANDLE;
  VkPipeline m_pipeline = VK_NULL_HANDLE;
};

/// Sets of texel buffers for one pipeline, made when they are first asked for and kept as long as it lives.
class TexelSets {
 public:
  TexelSets(VkDevice device, VkDescriptorSetLayout layout, std::uint32_t mostSets,
            std::uint32_t texelBufferCount);
  TexelSets(const TexelSets&) = delete;
  TexelSets& operator=(const TexelSets&) = delete;
  ~TexelSets();

  /// A set of `views`, one per binding.
  VkDescriptorSet make(std::span<const VkBufferView> views);

 private:
  VkDevice m_device;
  VkDescriptorSetLayout m_layout;
  VkDescriptorPool m_pool = VK_NULL_HANDLE;
};

}  // namespace headroom::view
