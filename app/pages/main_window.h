#pragma once

#include <QMainWindow>
#include <QUrl>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/pages/about_dialog.h"
#include "app/session/appearance.h"
#include "app/session/speed_board.h"
#include "app/session/workspace.h"

class QMenu;
class QStackedWidget;

namespace headroom::pages {

class ExportCommands;
class FileCommands;
class HeadMenu;
class HeadsPage;
class HelpCommands;
class LivePage;
class MessageBar;
class Tour;
class ModeBar;
class Page;
class QuitQuestion;

/// The application's window: a mode bar beside a stack of pages, messages above them, menus.
class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  /// `live` is the live view, or what stands in its place; the window takes it over.
  MainWindow(session::SessionHost& session, session::TraceStore& store, session::SpeedBoard& board,
             session::Selection& selection, session::Workspace& workspace, session::Settings& settings,
             QWidget* live);

  /// Shows the remembered appearance, and has the workspace start.
  void start(const std::vector<std::string>& files);
  void showMessage(const session::Message& message);
  /// For Help > About.
  void setAbout(const About& about);
  /// The part of the live view where messages hide no number, in its coordinates.
  void setLiveMessageArea(const QRect& area);
  /// What closes the topmost popup of the live view; false when it has none.
  void setClosePopup(std::function<bool()> close) { m_closePopup = std::move(close); }
  /// Once, where nobody has been here before, when there is text to look at; nothing stands in the way.
  void offerTour();
  MessageBar& messages() const { return *m_messages; }
  const session::Appearance& appearance() const { return m_appearance; }
  /// Everywhere at once, and remembered.
  void setAppearance(const session::Appearance& appearance);
  session::Workspace& workspace() const { return m_workspace; }
  ExportCommands& exportCommands() const { return *m_export; }
  /// The page that is shown, as its place in the mode bar.
  int page() const;
  void showPage(int page);

 public slots:
  /// A key that reached the live view: the window's shortcuts work there too.
  void handleKey(QKeyEvent* event);
  /// Files dropped on the window or on the live view.
  void openDropped(const QList<QUrl>& urls);

 signals:
  void appearanceChanged(const headroom::session::Appearance& appearance);
  /// Where lanes have more than there is room for: by so many views down.
  void lanesScrolled(int views);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void addPage(Page* page);
  /// Over the page that shows, wherever that has put its things.
  void placeMessages();
  void takeTour();
  void offerTourWithText();
  void createMenus();
  QMenu* createFileMenu();
  void addWindowCommands(QMenu* look);
  void connectWorkspace();
  /// While a model is opened: how far, with a button that ends it.
  void showOpening(const session::Opening& opening);
  /// Likewise while heads are studied, on the pages that do not show it themselves.
  void showStudying(const session::Studying& studying);

  session::SessionHost& m_session;
  session::TraceStore& m_store;
  session::Selection& m_selection;
  session::Workspace& m_workspace;
  session::Settings& m_settings;
  session::Appearance m_appearance;
  ModeBar* m_modes;
  MessageBar* m_messages;
  QStackedWidget* m_stack;
  std::vector<Page*> m_pages;  // in the order of the mode bar
  LivePage* m_live = nullptr;
  HeadsPage* m_heads = nullptr;
  HeadMenu* m_headMenu = nullptr;
  ExportCommands* m_export = nullptr;
  FileCommands* m_files = nullptr;
  HelpCommands* m_help = nullptr;
  QuitQuestion* m_quitQuestion = nullptr;
  Tour* m_tour = nullptr;
  std::function<bool()> m_closePopup;
  bool m_offersTour = false;  // not taken and not sent away yet
  QString m_studyingNote;
  QString m_openingNote;  // as it stands in the window, empty without one
};

}  // namespace headroom::pages
