#pragma once

#include <QVulkanWindow>
#include <memory>
#include <optional>
#include <string>

#include "app/panels/panel.h"
#include "app/view/heat_map_canvas.h"
#include "app/view/imgui_input.h"
#include "app/view/imgui_vulkan.h"
#include "app/view/shaped_text_canvas.h"

struct ImGuiContext;

namespace headroom::view {

class LiveWindow;

/// Draws the frames of a LiveWindow. Owned by QVulkanWindow, which calls it on the GUI thread.
class LiveRenderer : public QVulkanWindowRenderer {
 public:
  explicit LiveRenderer(LiveWindow& window);
  ~LiveRenderer() override;

  void initResources() override;
  void releaseResources() override;
  void logicalDeviceLost() override;
  void physicalDeviceLost() override;
  void startNextFrame() override;

  bool handleInput(const QEvent& event);
  /// The topmost popup goes with the next frame; false when there is none that does not go already.
  bool closePopup();
  /// Fonts and colours are loaded anew before the next frame.
  void appearanceChanged() { m_unit = 0.0f; }

 private:
  GpuContext gpu() const;
  void createCanvas();
  void loadAppearance(float unit);
  void buildFrame();
  /// Every frame ends in an image that can be shown: without a picture, in the panel's colour.
  enum class Picture { Whole, Ground };
  void recordFrame(Picture picture);
  /// Says what keeps the view from being drawn, once until it is drawn again.
  void report(const std::string& sentence);

  LiveWindow& m_window;
  ImGuiContext* m_context;
  std::optional<ImGuiInput> m_input;
  std::unique_ptr<ImGuiVulkan> m_imgui;
  std::unique_ptr<GpuHeatMapCanvas> m_canvas;
  std::unique_ptr<ShapedTextCanvas> m_shaper;
  panels::Fonts m_fonts;
  float m_unit = 0.0f;  // 0: fonts are to be loaded
  std::string m_reported;
  int m_popupsToClose = 0;  // before the next frame is built
};

}  // namespace headroom::view
