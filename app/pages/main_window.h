#pragma once

#include <QMainWindow>
#include <QUrl>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/pages/about_dialog.h"
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
  /// For Help > About.
  void setAbout(const About& about);
  MessageBar& messages() const { return *m_messages; }
  const session::Appearance& appearance() const { return m_appearance; }
  /// The lanes that stand in the window.
  const std::vector<session::LaneRequest>& lanes() const { return m_lanes; }

  /// Adds a lane for each, as many as there is room for.
  void openFiles(const QStringList& paths);
  void addLane(const std::string& source);
  /// `lane` as it stands in the window.
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
  struct ClosedLane {
    session::LaneRequest request;
    std::size_t index = 0;  ///< where it stood
  };

  /// Lanes and filling before a button led elsewhere.
  struct Place {
    std::vector<session::LaneRequest> lanes;
    int fill = 0;
  };

  void createMenus();
  void createDecodeMenu();
  void createLookMenu();
  void createHelpMenu();
  QAction* addCommand(QMenu* menu, const QString& text, const QKeySequence& keys, std::function<void()> act);
  void connectSession();
  void setLanes(std::vector<session::LaneRequest> lanes);
  void noteLeftOut(const QStringList& files);
  void chooseFile();
  void chooseFolder();
  /// While a model is opened: how far, with a button that ends it.
  void showOpening(const session::Opening& opening);
  void showRecentFiles();
  void closeColor(int colorIndex);
  void undoClose();
  void togglePlaying();
  void setAppearance(const session::Appearance& appearance);
  void lanesRunning();
  void showLaneOptions();
  /// False, with a message, while lanes are asked for that do not stand in the window yet.
  bool lanesStand();
  void connectControls();
  void createExplainMenu();
  void setPromptForm(session::PromptForm form);
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
  About m_about;
  std::vector<session::LaneRequest> m_lanes;
  std::vector<ClosedLane> m_closed;  // newest last
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
  QAction* m_ids = nullptr;
  QString m_textPrompt;  // while the prompt is ids: what it was before
  bool m_showsOpening = false;
  std::set<std::string> m_told;  // files whose contradictions were named
};

}  // namespace headroom::pages
