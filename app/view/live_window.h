#pragma once

#include <QImage>
#include <QKeyEvent>
#include <QUrl>
#include <QVulkanWindow>
#include <cstdint>
#include <string>

#include "app/panels/panel.h"
#include "app/session/appearance.h"
#include "app/session/selection.h"
#include "app/session/trace_store.h"
#include "app/view/frame_pacer.h"

namespace headroom::view {

class LiveRenderer;

/// The live view: a Vulkan window in which a panel draws with ImGui. It redraws on demand.
class LiveWindow : public QVulkanWindow {
  Q_OBJECT

 public:
  /// `root` draws the whole window; everything outlives it.
  LiveWindow(QVulkanInstance& instance, panels::Panel& root, session::TraceStore& store,
             session::SpeedBoard& board, session::Selection& selection);
  ~LiveWindow() override;

  QVulkanWindowRenderer* createRenderer() override;

  void setAppearance(const session::Appearance& appearance);
  void setActivity(Activity activity);
  /// The model on its way to the device, for as long as there is no lane; empty when none is.
  void setOpening(const std::string& title);

  const session::Appearance& appearance() const { return m_appearance; }
  const std::string& opening() const { return m_opening; }
  bool decoding() const { return m_activity != Activity::Idle; }
  panels::Panel& root() { return m_root; }
  session::TraceStore& store() { return m_store; }
  session::SpeedBoard& board() { return m_board; }
  session::Selection& selection() { return m_selection; }
  FramePacer& pacer() { return m_pacer; }

  /// Closes the topmost popup of the view; false when none is open.
  bool closePopup();

  /// What the view shows, drawn anew: in device pixels, opaque. Null while it is not shown.
  QImage picture();

  /// Frames drawn since the start.
  std::uint64_t frameCount() const { return m_frameCount; }
  void countFrame();

 signals:
  /// A sentence about the graphics device.
  void problem(const QString& sentence);
  /// A key that the live view itself does not use.
  void keyPressed(QKeyEvent* event);
  void frameDrawn();
  void filesDropped(const QList<QUrl>& urls);

 protected:
  bool event(QEvent* event) override;

 private:
  panels::Panel& m_root;
  session::TraceStore& m_store;
  session::SpeedBoard& m_board;
  session::Selection& m_selection;
  session::Appearance m_appearance;
  Activity m_activity = Activity::Idle;
  std::string m_opening;
  FramePacer m_pacer;
  LiveRenderer* m_renderer = nullptr;  // owned by QVulkanWindow
  std::uint64_t m_frameCount = 0;
};

}  // namespace headroom::view
