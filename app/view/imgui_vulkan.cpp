#include "app/view/imgui_vulkan.h"

#include <backends/imgui_impl_vulkan.h>

#include <QtGlobal>
#include <algorithm>

#include "app/view/gpu_buffer.h"
#include "app/view/imgui_adapter.h"

namespace headroom::view {

namespace {

/// The backend has no way to return an error; the window notices a lost device by itself.
void reportBackendError(VkResult result) {
  if (result < VK_SUCCESS) qWarning("Drawing the live view failed with Vulkan error %d.", result);
}

}  // namespace

ImGuiVulkan::ImGuiVulkan(VkDevice device) : m_device(device) {}

ImGuiVulkan::ImGuiVulkan(const ImGuiVulkanTarget& target) : ImGuiVulkan(target.device) {
  const VkDescriptorPoolSize size{.type = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, .descriptorCount = 4};
  VkDescriptorPoolCreateInfo poolInfo{};
  poolInfo.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  poolInfo.flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT;
  poolInfo.maxSets = 4;
  poolInfo.poolSizeCount = 1;
  poolInfo.pPoolSizes = &size;
  checkVk(vkCreateDescriptorPool(m_device, &poolInfo, nullptr, &m_descriptorPool),
          "Creating ImGui's descriptors");

  ImGui_ImplVulkan_InitInfo info{};
  info.Instance = target.instance;
  info.PhysicalDevice = target.physicalDevice;
  info.Device = target.device;
  info.QueueFamily = target.queueFamily;
  info.Queue = target.queue;
  info.DescriptorPool = m_descriptorPool;
  info.MinImageCount = 2;
  info.ImageCount = std::max(target.imageCount, 2u);
  info.MSAASamples = VK_SAMPLE_COUNT_1_BIT;
  info.CheckVkResultFn = &reportBackendError;
  ImGui_ImplVulkan_Init(&info, target.renderPass);
  imgui_adapter::uploadFonts(target);
}

ImGuiVulkan::~ImGuiVulkan() {
  if (ImGui::GetIO().BackendRendererUserData) ImGui_ImplVulkan_Shutdown();
  vkDestroyDescriptorPool(m_device, m_descriptorPool, nullptr);
}

void ImGuiVulkan::newFrame() {
  ImGui_ImplVulkan_NewFrame();
}

void ImGuiVulkan::record(VkCommandBuffer commands) {
  ImGui_ImplVulkan_RenderDrawData(ImGui::GetDrawData(), commands);
}

}  // namespace headroom::view
