#include "app/view/live_renderer.h"

#include <imgui_internal.h>

#include <QVulkanFunctions>
#include <array>
#include <exception>

#include "app/view/live_window.h"
#include "app/view/theme.h"

namespace headroom::view {

LiveRenderer::LiveRenderer(LiveWindow& window) : m_window(window), m_context(ImGui::CreateContext()) {
  ImGui::SetCurrentContext(m_context);
  // Nothing of ImGui's own is remembered: the layout is fixed and the rest is in the application's settings.
  ImGui::GetIO().IniFilename = nullptr;
  m_input.emplace(window);
}

LiveRenderer::~LiveRenderer() {
  ImGui::SetCurrentContext(m_context);
  ImGui::DestroyContext(m_context);
}

void LiveRenderer::initResources() {
  // The next frame makes what it needs, and tries again where the device has no room for it.
  m_unit = 0.0f;
  m_window.pacer().requestForInput();
}

GpuContext LiveRenderer::gpu() const {
  return {.physicalDevice = m_window.physicalDevice(), .device = m_window.device()};
}

void LiveRenderer::createCanvas() {
  m_canvas = std::make_unique<GpuHeatMapCanvas>(
      gpu(), m_window.defaultRenderPass(), m_window.physicalDeviceProperties()->limits.maxTexelBufferElements,
      m_window.concurrentFrameCount());
}

void LiveRenderer::releaseResources() {
  ImGui::SetCurrentContext(m_context);
  m_imgui.reset();
  m_shaper.reset();
  m_canvas.reset();
}

void LiveRenderer::logicalDeviceLost() {
  emit m_window.problem(
      "The graphics device was lost while drawing. The view starts again; decoding is not affected.");
}

void LiveRenderer::physicalDeviceLost() {
  emit m_window.problem("The graphics device is gone, so the live view cannot be drawn any more.");
}

bool LiveRenderer::handleInput(const QEvent& event) {
  ImGui::SetCurrentContext(m_context);
  return m_input->handle(event);
}

bool LiveRenderer::closePopup() {
  if (m_popupsToClose >= m_context->OpenPopupStack.Size) return false;
  ++m_popupsToClose;
  return true;
}

void LiveRenderer::loadAppearance(float unit) {
  m_window.vulkanInstance()->deviceFunctions(m_window.device())->vkDeviceWaitIdle(m_window.device());
  m_imgui.reset();
  m_shaper.reset();
  applyImGuiStyle(m_window.appearance(), unit * m_window.appearance().scale());
  m_fonts = loadImGuiFonts(m_window.appearance(), unit);
  m_imgui = std::make_unique<ImGuiVulkan>(
      ImGuiVulkanTarget{.instance = m_window.vulkanInstance()->vkInstance(),
                        .physicalDevice = m_window.physicalDevice(),
                        .device = m_window.device(),
                        .queueFamily = m_window.graphicsQueueFamilyIndex(),
                        .queue = m_window.graphicsQueue(),
                        .commandPool = m_window.graphicsCommandPool(),
                        .renderPass = m_window.defaultRenderPass(),
                        .imageCount = static_cast<std::uint32_t>(m_window.swapChainImageCount())});
  m_shaper = std::make_unique<ShapedTextCanvas>(
      gpu(), m_window.defaultRenderPass(), m_window.physicalDeviceProperties()->limits.maxTexelBufferElements,
      m_window.concurrentFrameCount(), m_fonts);
  m_unit = unit;
}

void LiveRenderer::report(const std::string& sentence) {
  if (sentence == m_reported) return;
  m_reported = sentence;
  emit m_window.problem(QString::fromStdString(sentence));
}

void LiveRenderer::startNextFrame() {
  ImGui::SetCurrentContext(m_context);
  m_window.pacer().frameBegan();
  bool built = false;
  try {
    const auto unit = static_cast<float>(m_window.devicePixelRatio());
    if (!m_canvas) createCanvas();
    if (unit != m_unit) loadAppearance(unit);
    buildFrame();
    built = true;
    m_reported.clear();
  } catch (const std::exception& error) {
    report(error.what());
    if (m_context->WithinFrameScope) {
      ImGui::ErrorCheckEndFrameRecover(nullptr);
      ImGui::EndFrame();
    }
    m_window.pacer().requestForData();  // tries again
  }
  recordFrame(built ? Picture::Whole : Picture::Ground);
  m_window.countFrame();
  m_window.frameReady();
}

void LiveRenderer::buildFrame() {
  m_imgui->newFrame();
  m_canvas->beginFrame(m_window.currentFrame(), m_window.appearance().palette().mapGround);
  m_shaper->beginFrame(m_window.currentFrame());
  m_input->beginFrame();
  ImGui::NewFrame();
  for (; m_popupsToClose > 0; --m_popupsToClose) {
    const int open = m_context->OpenPopupStack.Size;
    if (open > 0) ImGui::ClosePopupToLevel(open - 1, true);
  }
  ImGui::PushFont(m_fonts.body);
  const panels::PanelContext context{.store = m_window.store(),
                                     .board = m_window.board(),
                                     .selection = m_window.selection(),
                                     .appearance = m_window.appearance(),
                                     .canvas = *m_canvas,
                                     .shaper = *m_shaper,
                                     .fonts = m_fonts,
                                     .unit = m_unit * m_window.appearance().scale(),
                                     .playing = m_window.decoding(),
                                     .opening = m_window.opening()};
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  ImGui::SetNextWindowPos({0.0f, 0.0f});
  ImGui::SetNextWindowSize(size);
  constexpr ImGuiWindowFlags kFlags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                                      ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoScrollWithMouse |
                                      ImGuiWindowFlags_NoBringToFrontOnFocus | ImGuiWindowFlags_NoNav |
                                      ImGuiWindowFlags_NoBackground;
  ImGui::Begin("live", nullptr, kFlags);
  m_window.root().draw(context, {{0.0f, 0.0f}, size});
  ImGui::End();
  ImGui::PopFont();
  ImGui::Render();
  m_input->endFrame();
  if (!m_shaper->complete()) m_window.pacer().requestForData();
}

void LiveRenderer::recordFrame(Picture picture) {
  const VkCommandBuffer commands = m_window.currentCommandBuffer();
  const QSize size = m_window.swapChainImageSize();
  // Most of the view is panel: clearing with its colour is far cheaper than filling it, which matters on a
  // software device, where each blended pixel costs about 20 ns.
  const session::Color ground = m_window.appearance().palette().panel;
  std::array<VkClearValue, 2> clear{};
  clear[0].color = {{ground.red / 255.0f, ground.green / 255.0f, ground.blue / 255.0f, 1.0f}};
  clear[1].depthStencil = {1.0f, 0};
  VkRenderPassBeginInfo info{};
  info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO;
  info.renderPass = m_window.defaultRenderPass();
  info.framebuffer = m_window.currentFramebuffer();
  info.renderArea.extent = {static_cast<std::uint32_t>(size.width()),
                            static_cast<std::uint32_t>(size.height())};
  info.clearValueCount = clear.size();
  info.pClearValues = clear.data();

  if (picture == Picture::Whole) {
    const ImVec2 viewport{static_cast<float>(size.width()), static_cast<float>(size.height())};
    m_canvas->beginRecording(commands, viewport);
    m_shaper->beginRecording(commands, viewport);
  }
  // Qt's headers hide the loader's own prototypes.
  QVulkanDeviceFunctions& functions = *m_window.vulkanInstance()->deviceFunctions(m_window.device());
  functions.vkCmdBeginRenderPass(commands, &info, VK_SUBPASS_CONTENTS_INLINE);
  if (picture == Picture::Whole) m_imgui->record(commands);
  functions.vkCmdEndRenderPass(commands);
}

}  // namespace headroom::view
