// For Dear ImGui 1.86 and older, as in Debian 12.
#include <backends/imgui_impl_vulkan.h>
#include <imgui.h>

#include <algorithm>
#include <cfloat>

#include "app/view/gpu_buffer.h"
#include "app/view/imgui_adapter.h"

namespace headroom::view::imgui_adapter {

void prepareInput() {
  ImGuiIO& io = ImGui::GetIO();
  for (int key = 0; key < ImGuiKey_COUNT; ++key) io.KeyMap[key] = key;
  clearMousePosition();
}

void setMousePosition(float x, float y) {
  ImGui::GetIO().MousePos = {x, y};
}

void clearMousePosition() {
  setMousePosition(-FLT_MAX, -FLT_MAX);
}

void setMouseButton(int button, bool down) {
  ImGui::GetIO().MouseDown[button] = down;
}

void addWheel(float horizontal, float vertical) {
  ImGui::GetIO().MouseWheelH += horizontal;
  ImGui::GetIO().MouseWheel += vertical;
}

void setKey(int key, bool down) {
  ImGui::GetIO().KeysDown[key] = down;
}

void setModifiers(bool control, bool shift, bool alt) {
  ImGuiIO& io = ImGui::GetIO();
  io.KeyCtrl = control;
  io.KeyShift = shift;
  io.KeyAlt = alt;
}

void releaseKeys() {
  std::ranges::fill(ImGui::GetIO().KeysDown, false);
}

int keypadEnter() {
  return ImGuiKey_KeyPadEnter;
}

void uploadFonts(const ImGuiVulkanTarget& target) {
  VkCommandBufferAllocateInfo allocateInfo{};
  allocateInfo.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  allocateInfo.commandPool = target.commandPool;
  allocateInfo.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocateInfo.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  checkVk(vkAllocateCommandBuffers(target.device, &allocateInfo, &commands), "Uploading the fonts");
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
  vkFreeCommandBuffers(target.device, target.commandPool, 1, &commands);
  ImGui_ImplVulkan_DestroyFontUploadObjects();
}

}  // namespace headroom::view::imgui_adapter
