// For Dear ImGui 1.90, as in Debian 13 and Ubuntu 24.04.
#include <backends/imgui_impl_vulkan.h>
#include <imgui.h>

#include <cfloat>
#include <stdexcept>

#include "app/view/imgui_adapter.h"

namespace headroom::view::imgui_adapter {

void prepareInput() {
  // The view tells the state of a frame, and makes sure itself that no click is lost between two.
  ImGui::GetIO().ConfigInputTrickleEventQueue = false;
  clearMousePosition();
}

void setMousePosition(float x, float y) {
  ImGui::GetIO().AddMousePosEvent(x, y);
}

void clearMousePosition() {
  setMousePosition(-FLT_MAX, -FLT_MAX);
}

void setMouseButton(int button, bool down) {
  ImGui::GetIO().AddMouseButtonEvent(button, down);
}

void addWheel(float horizontal, float vertical) {
  ImGui::GetIO().AddMouseWheelEvent(horizontal, vertical);
}

void setKey(int key, bool down) {
  ImGui::GetIO().AddKeyEvent(static_cast<ImGuiKey>(key), down);
}

void setModifiers(bool control, bool shift, bool alt) {
  ImGuiIO& io = ImGui::GetIO();
  io.AddKeyEvent(ImGuiMod_Ctrl, control);
  io.AddKeyEvent(ImGuiMod_Shift, shift);
  io.AddKeyEvent(ImGuiMod_Alt, alt);
}

void releaseKeys() {
  ImGui::GetIO().ClearInputKeys();
}

int keypadEnter() {
  return ImGuiKey_KeypadEnter;
}

void uploadFonts(const ImGuiVulkanTarget&) {
  // Submits and waits by itself.
  if (!ImGui_ImplVulkan_CreateFontsTexture()) throw std::runtime_error("Uploading the fonts failed.");
}

}  // namespace headroom::view::imgui_adapter
