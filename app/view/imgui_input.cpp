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
#include <utility>

#include "app/view/imgui_adapter.h"

namespace headroom::view {

namespace {

constexpr float kWheelNotch = 120.0f;

/// Qt's keys that ImGui's widgets know, and ImGui's names for them.
const std::array<std::pair<int, int>, 22> kKeys{{
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
    {Qt::Key_Enter, imgui_adapter::keypadEnter()},
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

void setModifiers(const QInputEvent& event) {
  imgui_adapter::setModifiers(event.modifiers().testFlag(Qt::ControlModifier),
                              event.modifiers().testFlag(Qt::ShiftModifier),
                              event.modifiers().testFlag(Qt::AltModifier));
}

}  // namespace

ImGuiInput::ImGuiInput(QWindow& window) : m_window(window) {
  ImGuiIO& io = ImGui::GetIO();
  io.BackendFlags |= ImGuiBackendFlags_HasMouseCursors;
  io.SetClipboardTextFn = &setClipboard;
  io.GetClipboardTextFn = &clipboard;
  io.ClipboardUserData = &m_clipboard;
  imgui_adapter::prepareInput();
  m_sinceFrame.start();
}

bool ImGuiInput::handle(const QEvent& event) {
  const auto ratio = static_cast<float>(m_window.devicePixelRatio());
  const auto point = [ratio](QPointF at) {
    imgui_adapter::setMousePosition(static_cast<float>(at.x()) * ratio, static_cast<float>(at.y()) * ratio);
  };
  switch (event.type()) {
    case QEvent::MouseMove:
    case QEvent::MouseButtonPress:
    case QEvent::MouseButtonDblClick:
    case QEvent::MouseButtonRelease: {
      const auto& mouse = static_cast<const QMouseEvent&>(event);
      point(mouse.position());
      // Keys may go to the window around this one.
      setModifiers(mouse);
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
      point(wheel.position());
      imgui_adapter::addWheel(static_cast<float>(wheel.angleDelta().x()) / kWheelNotch,
                              static_cast<float>(wheel.angleDelta().y()) / kWheelNotch);
      return true;
    }
    case QEvent::Leave:
    case QEvent::FocusOut:
      if (event.type() == QEvent::Leave) imgui_adapter::clearMousePosition();
      m_buttons.fill(false);
      imgui_adapter::releaseKeys();
      return true;
    case QEvent::KeyPress:
    case QEvent::KeyRelease:
      return handleKey(static_cast<const QKeyEvent&>(event), event.type() == QEvent::KeyPress);
    default:
      return false;
  }
}

bool ImGuiInput::handleKey(const QKeyEvent& event, bool down) {
  const bool control = event.modifiers().testFlag(Qt::ControlModifier);
  setModifiers(event);
  const auto found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& key) { return key.first == event.key(); });
  if (found != kKeys.end()) imgui_adapter::setKey(found->second, down);
  if (down && !control) ImGui::GetIO().AddInputCharactersUTF8(event.text().toUtf8().constData());
  return true;
}

void ImGuiInput::beginFrame() {
  ImGuiIO& io = ImGui::GetIO();
  const QSize pixels = m_window.size() * m_window.devicePixelRatio();
  io.DisplaySize = {static_cast<float>(pixels.width()), static_cast<float>(pixels.height())};
  io.DeltaTime = std::max(1e-4f, static_cast<float>(m_sinceFrame.nsecsElapsed()) * 1e-9f);
  m_sinceFrame.restart();
  for (std::size_t button = 0; button < m_buttons.size(); ++button) {
    imgui_adapter::setMouseButton(static_cast<int>(button), m_buttons[button] || m_pressedSinceFrame[button]);
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
