#include "app/view/live_window.h"

#include <QDropEvent>
#include <QMimeData>
#include <algorithm>

#include "app/view/live_renderer.h"

namespace headroom::view {

LiveWindow::LiveWindow(QVulkanInstance& instance, panels::Panel& root, session::TraceStore& store,
                       session::SpeedBoard& board, session::Selection& selection)
    : m_root(root), m_store(store), m_board(board), m_selection(selection) {
  setVulkanInstance(&instance);
  // Colours are given as the screen shows them; a swap chain that converts to sRGB would lighten them.
  setPreferredColorFormats({VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM});
  connect(&m_pacer, &FramePacer::frameDue, this, [this] {
    if (isExposed()) requestUpdate();
  });
  connect(&store, &session::TraceStore::changed, &m_pacer, &FramePacer::requestForData);
  // Headlines change with the verdict's sentence.
  connect(&board, &session::SpeedBoard::changed, &m_pacer, &FramePacer::requestAtOnce);
  connect(&selection, &session::Selection::changed, &m_pacer, &FramePacer::requestForInput);
}

LiveWindow::~LiveWindow() = default;

QVulkanWindowRenderer* LiveWindow::createRenderer() {
  m_renderer = new LiveRenderer(*this);
  return m_renderer;
}

void LiveWindow::setAppearance(const session::Appearance& appearance) {
  if (m_appearance == appearance) return;
  m_appearance = appearance;
  if (m_renderer) m_renderer->appearanceChanged();
  m_pacer.requestForInput();
}

void LiveWindow::setActivity(Activity activity) {
  m_activity = activity;
  m_pacer.setActivity(activity);
}

void LiveWindow::setOpening(const std::string& title) {
  if (m_opening == title) return;
  m_opening = title;
  m_pacer.requestForInput();
}

void LiveWindow::countFrame() {
  ++m_frameCount;
  emit frameDrawn();
}

bool LiveWindow::closePopup() {
  const bool closes = m_renderer && m_renderer->closePopup();
  if (closes) m_pacer.requestForInput();
  return closes;
}

QImage LiveWindow::picture() {
  if (!isExposed() || !supportsGrab()) return {};
  const QImage image = grab().convertToFormat(QImage::Format_RGB32);
  if (colorFormat() != VK_FORMAT_B8G8R8A8_UNORM) return image;
  // Qt 6.4's grab() takes the swap chain's bytes as RGBA, whatever their order, Qt 6.8's does not: the ground
  // of the view tells, which is no grey.
  const session::Color ground = m_appearance.palette().panel;
  const auto count = [&](QRgb color) {
    std::ptrdiff_t found = 0;
    for (int y = 0; y < image.height(); ++y) {
      const auto* line = reinterpret_cast<const QRgb*>(image.constScanLine(y));
      found += std::count(line, line + image.width(), color);
    }
    return found;
  };
  const bool isSwapped =
      count(qRgb(ground.blue, ground.green, ground.red)) > count(qRgb(ground.red, ground.green, ground.blue));
  return isSwapped ? image.rgbSwapped() : image;
}

bool LiveWindow::event(QEvent* event) {
  if (m_renderer && m_renderer->handleInput(*event)) m_pacer.requestForInput();
  // What is scrolled to in a frame is seen in the next, and while nothing is decoded none would follow.
  if (event->type() == QEvent::Resize) m_pacer.requestForInput();
  if (event->type() == QEvent::KeyPress) emit keyPressed(static_cast<QKeyEvent*>(event));
  // The view is a native window inside the main window, so drops on it arrive here.
  if (event->type() == QEvent::DragEnter || event->type() == QEvent::DragMove ||
      event->type() == QEvent::Drop) {
    auto* drop = static_cast<QDropEvent*>(event);
    if (!drop->mimeData()->hasUrls()) return false;
    drop->acceptProposedAction();
    if (event->type() == QEvent::Drop) emit filesDropped(drop->mimeData()->urls());
    return true;
  }
  return QVulkanWindow::event(event);
}

}  // namespace headroom::view
