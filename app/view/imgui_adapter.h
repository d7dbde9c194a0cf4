#pragma once

#include "app/view/imgui_vulkan.h"

/// What changed in Dear ImGui between the versions that distributions carry, for the current context. CMake
/// builds imgui_adapter_186.cpp or imgui_adapter_190.cpp, as the installed version asks for; nothing else in
/// the project depends on it.
namespace headroom::view::imgui_adapter {

/// Once per context, before the first event.
void prepareInput();
/// In pixels. What was set last before a frame counts.
void setMousePosition(float x, float y);
/// The mouse is not over the view.
void clearMousePosition();
void setMouseButton(int button, bool down);
/// In notches.
void addWheel(float horizontal, float vertical);
/// `key` is an ImGuiKey.
void setKey(int key, bool down);
void setModifiers(bool control, bool shift, bool alt);
void releaseKeys();
/// ImGuiKey of the Enter key beside the digits.
int keypadEnter();

/// Brings the context's font atlas to the device and waits until it is there. Throws std::runtime_error.
void uploadFonts(const ImGuiVulkanTarget& target);

}  // namespace headroom::view::imgui_adapter
