#pragma once

#include <QVulkanInstance>
#include <memory>
#include <string>
#include <vector>

#include "app/pages/main_window.h"
#include "app/panels/live_layout.h"
#include "app/session/selection.h"
#include "app/session/session_host.h"
#include "app/session/speed_board.h"
#include "app/session/settings.h"
#include "app/session/trace_store.h"
#include "app/session/workspace.h"
#include "app/view/live_window.h"
#include "core/lanes/lane_opener.h"

namespace headroom {

/// Everything that one run of the application is made of, put together. Needs a QApplication.
class Application {
 public:
  /// `settings` outlives it.
  Application(std::unique_ptr<lanes::LaneOpener> opener, session::Settings& settings);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Shows the window and decodes `files`, or the remembered lanes.
  void start(const std::vector<std::string>& files);

  pages::MainWindow& window() { return *m_window; }
  /// Null where no Vulkan device can draw.
  view::LiveWindow* liveWindow() { return m_live; }
  session::SessionHost& session() { return *m_session; }
  session::TraceStore& store() { return m_store; }
  session::Selection& selection() { return m_selection; }
  session::SpeedBoard& board() { return m_board; }
  session::Workspace& workspace() { return *m_workspace; }

 private:
  QWidget* createLiveView();
  void connectLiveView();

  QVulkanInstance m_vulkan;
  session::TraceStore m_store;
  session::Selection m_selection;
  session::SpeedBoard m_board{m_store, m_selection};
  panels::LiveLayout m_layout;
  std::unique_ptr<session::SessionHost> m_session;
  std::unique_ptr<session::Workspace> m_workspace;
  view::LiveWindow* m_live = nullptr;  // owned by the main window
  std::unique_ptr<pages::MainWindow> m_window;
};

}  // namespace headroom
