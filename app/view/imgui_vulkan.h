#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>

namespace headroom::view {

/// What ImGui's Vulkan backend needs of the window.
struct ImGuiVulkanTarget {
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physicalDevice = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
  std::uint32_t queueFamily = 0;
  VkQueue queue = VK_NULL_HANDLE;
  VkCommandPool commandPool = VK_NULL_HANDLE;
  VkRenderPass renderPass = VK_NULL_HANDLE;
  std::uint32_t imageCount = 2;
};

/// ImGui's Vulkan backend for the current ImGui context.
class ImGuiVulkan {
 public:
  /// Uploads the context's font atlas; make a new one when the fonts change.
  explicit ImGuiVulkan(const ImGuiVulkanTarget& target);
  ImGuiVulkan(const ImGuiVulkan&) = delete;
  ImGuiVulkan& operator=(const ImGuiVulkan&) = delete;
  ~ImGuiVulkan();

  void newFrame();
  /// Records the draw data of the last ImGui::Render() inside the target's render pass.
  void record(VkCommandBuffer commands);

 private:
  /// The public constructor builds on this one, so that the destructor clears up when it fails half way.
  explicit ImGuiVulkan(VkDevice device);

  VkDevice m_device;
  VkDescriptorPool m_descriptorPool = VK_NULL_HANDLE;
};

}  // namespace headroom::view
