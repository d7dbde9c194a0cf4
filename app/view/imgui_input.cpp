#include "app/view/imgui_input.h"

#include <imgui.h>

#include <QClipboard>
#include <QCursor>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <QWindow>
#include <algorithm>
#include <cfloat>
#include <utility>

namespace headroom::view {

namespace {

constexpr float kWheelNotch = 120.0f;

/// Qt's keys that ImGui's widgets know, and ImGui's names for them.
constexpr std::array<std::pair<int, ImGuiKey>, 22> kKeys{{
    {Qt::Key_Tab, ImGuiKey_Tab},
    {Qt::Key_Left, ImGuiKey_LeftArrow},
    {Qt::Key_Right, ImGuiKey_RightArrow},
    {Qt::Key_Up, ImGuiKey_UpArrow},
    {Qt::Key_Down, ImGuiKey_DownArrow},
    {Qt::Key_PageUp, ImGuiKey_PageUp},
    {Qt::Key_PageDown, ImGuiKey_PageDown},
    {Qt::Key_Home, ImGuiKey_Home},
    {Qt::Key_End, ImGuiKey_End},
    {Qt::Key_Insert, ImGuiKey_Insert},
    {Qt::Key_Delete, ImGuiKey_Delete},
    {Qt::Key_Backspace, ImGuiKey_Backspace},
    {Qt::Key_Space, ImGuiKey_Space},
    {Qt::Key_Return, ImGuiKey_Enter},
    {Qt::Key_Escape, ImGuiKey_Escape},
    {Qt::Key_Enter, ImGuiKey_KeyPadEnter},
    {Qt::Key_A, ImGuiKey_A},
    {Qt::Key_C, ImGuiKey_C},
    {Qt::Key_V, ImGuiKey_V},
    {Qt::Key_X, ImGuiKey_X},
    {Qt::Key_Y, ImGuiKey_Y},
    {Qt::Key_Z, ImGuiKey_Z},
}};

int buttonIndex(Qt::MouseButton button) {
  switch (button) {
    case Qt::LeftButton:
      return 0;
    case Qt::RightButton:
      return 1;
    case Qt::MiddleButton:
      return 2;
    default:
      return -1;
  }
}

Qt::CursorShape cursorShape(ImGuiMouseCursor cursor) {
  switch (cursor) {
    case ImGuiMouseCursor_TextInput:
      return Qt::IBeamCursor;
    case ImGuiMouseCursor_ResizeAll:
      return Qt::SizeAllCursor;
    case ImGuiMouseCursor_ResizeNS:
      return Qt::SizeVerCursor;
    case ImGuiMouseCursor_ResizeEW:
      return Qt::SizeHorCursor;
    case ImGuiMouseCursor_Hand:
      return Qt::PointingHandCursor;
    case ImGuiMouseCursor_NotAllowed:
      return Qt::ForbiddenCursor;
    default:
      return Qt::ArrowCursor;
  }
}

void setClipboard(void*, const char* text) {
  QGuiApplication::clipboard()->setText(QString::fromUtf8(text));
}

const char* clipboard(void* userData) {
  // ImGui reads the text before it asks again.
  auto& text = *static_cast<QByteArray*>(userData);
  text = QGuiApplication::clipboard()->text().toUtf8();
  return text.constData();
}

}  // namespace

ImGuiInput::ImGuiInput(QWindow& window) : m_window(window) {
  ImGuiIO& io = ImGui::GetIO();
  io.BackendFlags |= ImGuiBackendFlags_HasMouseCursors;
  for (std::size_t index = 0; index < kKeys.size(); ++index)
    io.KeyMap[kKeys[index].second] = static_cast<int>(index);
  io.SetClipboardTextFn = &setClipboard;
  io.GetClipboardTextFn = &clipboard;
  io.ClipboardUserData = &m_clipboard;
  io.MousePos = {-FLT_MAX, -FLT_MAX};
  m_sinceFrame.start();
}

bool ImGuiInput::handle(const QEvent& event) {
  ImGuiIO& io = ImGui::GetIO();
  const auto ratio = static_cast<float>(m_window.devicePixelRatio());
  switch (event.type()) {
    case QEvent::MouseMove:
    case QEvent::MouseButtonPress:
    case QEvent::MouseButtonDblClick:
    case QEvent::MouseButtonRelease: {
      const auto& mouse = static_cast<const QMouseEvent&>(event);
      io.MousePos = {static_cast<float>(mouse.position().x()) * ratio,
                     static_cast<float>(mouse.position().y()) * ratio};
      const int button = buttonIndex(mouse.button());
      if (button >= 0) {
        const bool down = event.type() != QEvent::MouseButtonRelease;
        m_buttons[static_cast<std::size_t>(button)] = down;
        if (down) m_pressedSinceFrame[static_cast<std::size_t>(button)] = true;
      }
      return true;
    }
    case QEvent::Wheel: {
      const auto& wheel = static_cast<const QWheelEvent&>(event);
      io.MousePos = {static_cast<float>(wheel.position().x()) * ratio,
                     static_cast<float>(wheel.position().y()) * ratio};
      io.MouseWheel += static_cast<float>(wheel.angleDelta().y()) / kWheelNotch;
      io.MouseWheelH += static_cast<float>(wheel.angleDelta().x()) / kWheelNotch;
      return true;
    }
    case QEvent::Leave:
    case QEvent::FocusOut:
      if (event.type() == QEvent::Leave) io.MousePos = {-FLT_MAX, -FLT_MAX};
      m_buttons.fill(false);
      std::fill(std::begin(io.KeysDown), std::end(io.KeysDown), false);
      return true;
    case QEvent::KeyPress:
    case QEvent::KeyRelease:
      return handleKey(static_cast<const QKeyEvent&>(event), event.type() == QEvent::KeyPress);
    default:
      return false;
  }
}

bool ImGuiInput::handleKey(const QKeyEvent& event, bool down) {
  ImGuiIO& io = ImGui::GetIO();
  io.KeyCtrl = event.modifiers().testFlag(Qt::ControlModifier);
  io.KeyShift = event.modifiers().testFlag(Qt::ShiftModifier);
  io.KeyAlt = event.modifiers().testFlag(Qt::AltModifier);
  const auto found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& key) { return key.first == event.key(); });
  if (found != kKeys.end()) io.KeysDown[found - kKeys.begin()] = down;
  if (down && !io.KeyCtrl) io.AddInputCharactersUTF8(event.text().toUtf8().constData());
  return true;
}

void ImGuiInput::beginFrame() {
  ImGuiIO& io = ImGui::GetIO();
  const QSize pixels = m_window.size() * m_window.devicePixelRatio();
  io.DisplaySize = {static_cast<float>(pixels.width()), static_cast<float>(pixels.height())};
  io.DeltaTime = std::max(1e-4f, static_cast<float>(m_sinceFrame.nsecsElapsed()) * 1e-9f);
  m_sinceFrame.restart();
  for (std::size_t button = 0; button < m_buttons.size(); ++button) {
    io.MouseDown[button] = m_buttons[button] || m_pressedSinceFrame[button];
    m_pressedSinceFrame[button] = false;
  }
}

void ImGuiInput::endFrame() {
  const ImGuiMouseCursor cursor = ImGui::GetMouseCursor();
  if (cursor == m_cursor) return;
  m_cursor = cursor;
  m_window.setCursor(cursorShape(cursor));
}

}  // namespace headroom::view
