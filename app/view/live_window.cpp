#include "app/view/live_window.h"

#include <QDropEvent>
#include <QMimeData>

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
  connect(&board, &session::SpeedBoard::changed, &m_pacer, &FramePacer::requestForData);
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

bool LiveWindow::event(QEvent* event) {
  if (m_renderer && m_renderer->handleInput(*event)) m_pacer.requestForInput();
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
