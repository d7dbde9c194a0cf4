#pragma once

#include <QByteArray>
#include <QElapsedTimer>
#include <array>

class QEvent;
class QKeyEvent;
class QWindow;

namespace headroom::view {

/// Feeds a window's Qt events to the current ImGui context and its wishes (cursor shape, clipboard) back.
/// Coordinates are pixels of the device.
class ImGuiInput {
 public:
  /// Sets the key map and the clipboard of the current context.
  explicit ImGuiInput(QWindow& window);

  /// True when the event concerns ImGui and the next frame may look different.
  bool handle(const QEvent& event);
  /// Before ImGui::NewFrame: size, time, buttons.
  void beginFrame();
  /// After ImGui::Render: the cursor shape.
  void endFrame();

 private:
  bool handleKey(const QKeyEvent& event, bool down);

  QWindow& m_window;
  QElapsedTimer m_sinceFrame;
  std::array<bool, 3> m_buttons{};
  std::array<bool, 3> m_pressedSinceFrame{};  // a click shorter than a frame still counts
  int m_cursor = -1;
  QByteArray m_clipboard;
};

}  // namespace headroom::view
