#include "app/view/imgui_vulkan.h"

#include <backends/imgui_impl_vulkan.h>

#include <QtGlobal>
#include <algorithm>

#include "app/view/gpu_buffer.h"

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
  uploadFonts(target);
}

ImGuiVulkan::~ImGuiVulkan() {
  if (ImGui::GetIO().BackendRendererUserData) ImGui_ImplVulkan_Shutdown();
  vkDestroyDescriptorPool(m_device, m_descriptorPool, nullptr);
}

void ImGuiVulkan::uploadFonts(const ImGuiVulkanTarget& target) {
  VkCommandBufferAllocateInfo allocateInfo{};
  allocateInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  allocateInfo.commandPool = target.commandPool;
  allocateInfo.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocateInfo.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  checkVk(vkAllocateCommandBuffers(m_device, &allocateInfo, &commands), "Uploading the fonts");
  VkCommandBufferBeginInfo beginInfo{};
  beginInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  beginInfo.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  checkVk(vkBeginCommandBuffer(commands, &beginInfo), "Uploading the fonts");
  ImGui_ImplVulkan_CreateFontsTexture(commands);
  checkVk(vkEndCommandBuffer(commands), "Uploading the fonts");
  VkSubmitInfo submitInfo{};
  submitInfo.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submitInfo.commandBufferCount = 1;
  submitInfo.pCommandBuffers = &commands;
  checkVk(vkQueueSubmit(target.queue, 1, &submitInfo, VK_NULL_HANDLE), "Uploading the fonts");
  checkVk(vkQueueWaitIdle(target.queue), "Uploading the fonts");
  vkFreeCommandBuffers(m_device, target.commandPool, 1, &commands);
  ImGui_ImplVulkan_DestroyFontUploadObjects();
}

void ImGuiVulkan::newFrame() {
  ImGui_ImplVulkan_NewFrame();
}

void ImGuiVulkan::record(VkCommandBuffer commands) {
  ImGui_ImplVulkan_RenderDrawData(ImGui::GetDrawData(), commands);
}

}  // namespace headroom::view
