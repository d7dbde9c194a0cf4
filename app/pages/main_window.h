#pragma once

#include <QMainWindow>
#include <QUrl>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/selection.h"
#include "app/session/session_host.h"
#include "app/session/settings.h"
#include "app/session/trace_store.h"
#include "core/analysis/verdict.h"

class QMenu;
class QSplitter;

namespace headroom::pages {

class LaneControls;
class LowerPanel;
class MessageBar;
class TransportBar;

/// The application's window around the live view.
class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  /// `live` is the live view, or what stands in its place; the window takes it over.
  MainWindow(session::SessionHost& session, session::TraceStore& store, session::Selection& selection,
             session::Settings& settings, QWidget* live);

  /// Opens the remembered lanes, or `files` where given, and decodes.
  void start(const std::vector<std::string>& files);
  void showMessage(const session::Message& message);
  MessageBar& messages() const { return *m_messages; }
  const session::Appearance& appearance() const { return m_appearance; }
  const std::vector<session::LaneRequest>& lanes() const { return m_lanes; }

  void openFile(const QString& path);
  void addLane(const std::string& source);
  void closeLane(int lane);
  /// Decodes all lanes with this batch and that many positions in their caches.
  void goTo(const analysis::OperatingPoint& point);
  /// The lane's model with both attention kernels side by side, and nothing else.
  void compareKernels(int lane);

 public slots:
  /// A key that reached the live view: the window's shortcuts work there too.
  void handleKey(QKeyEvent* event);
  /// Files dropped on the window or on the live view.
  void openDropped(const QList<QUrl>& urls);

 signals:
  void appearanceChanged(const headroom::session::Appearance& appearance);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  /// Lanes and filling before a button led elsewhere.
  struct Place {
    std::vector<session::LaneRequest> lanes;
    int fill = 0;
  };

  void createMenus();
  void createDecodeMenu();
  void createLookMenu();
  QAction* addCommand(QMenu* menu, const QString& text, const QKeySequence& keys, std::function<void()> act);
  void connectSession();
  void setLanes(std::vector<session::LaneRequest> lanes);
  void chooseFile();
  void chooseFolder();
  /// While a model is opened: how far, with a button that ends it.
  void showOpening(const session::Opening& opening);
  void showRecentFiles();
  void undoClose();
  void togglePlaying();
  void setAppearance(const session::Appearance& appearance);
  void lanesRunning();
  void connectControls();
  void createExplainMenu();
  void setFill(int positions);
  void goThere();
  void goBack();
  void showLowerView(int view);
  /// Says what a context beyond the model's own means.
  void noteUntrained();
  /// Names what a file claims and its tensors refute, once for each file.
  void noteContradictions();

  session::SessionHost& m_session;
  session::TraceStore& m_store;
  session::Selection& m_selection;
  session::Settings& m_settings;
  session::Appearance m_appearance;
  std::vector<session::LaneRequest> m_lanes;
  std::vector<std::vector<session::LaneRequest>> m_closed;  // lane sets before each close, newest last
  TransportBar* m_transport;
  MessageBar* m_messages;
  LaneControls* m_controls;
  LowerPanel* m_lower;
  std::optional<Place> m_return;
  std::vector<int> m_lowerHeights;  // of each lower view, as the user left it; 0: never shown
  int m_lowerView = 0;
  QSplitter* m_splitter;
  QMenu* m_recent = nullptr;
  QAction* m_chat = nullptr;
  bool m_showsOpening = false;
  std::set<std::string> m_told;  // files whose contradictions were named
};

}  // namespace headroom::pages
