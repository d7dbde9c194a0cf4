#include "app/pages/main_window.h"

#include <QAbstractSpinBox>
#include <QAction>
#include <QCloseEvent>
#include <QComboBox>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QScreen>
#include <QStackedWidget>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>

#include "app/pages/command.h"
#include "app/pages/export_commands.h"
#include "app/pages/file_commands.h"
#include "app/pages/head_menu.h"
#include "app/pages/heads/heads_page.h"
#include "app/pages/help/help_commands.h"
#include "app/pages/help/tour.h"
#include "app/pages/live/live_page.h"
#include "app/pages/message_bar.h"
#include "app/pages/mode_bar.h"
#include "app/pages/models/models_page.h"
#include "app/pages/preferences_dialog.h"
#include "app/pages/preset_menu.h"
#include "app/pages/quit_question.h"
#include "app/session/progress_text.h"

namespace headroom::pages {

namespace {
/// Room for the frame that the desktop puts around the window.
constexpr int kTitleBarHeight = 28;
/// There is something to look at then.
constexpr int kPositionsBeforeTour = 40;
constexpr const char* kTourOffer = "New here? A tour of seven steps shows what happens (Shift+F1).";
constexpr int kLivePlace = 0;
constexpr int kModelsPlace = 1;
}  // namespace

MainWindow::MainWindow(session::SessionHost& session, session::TraceStore& store, session::SpeedBoard& board,
                       session::Selection& selection, session::Workspace& workspace,
                       session::Settings& settings, QWidget* live)
    : m_session(session),
      m_store(store),
      m_selection(selection),
      m_workspace(workspace),
      m_settings(settings),
      m_modes(new ModeBar(this)),
      m_messages(new MessageBar(this)),
      m_stack(new QStackedWidget(this)) {
  setWindowTitle("Headroom");
  setAcceptDrops(true);
  resize(QSize(1440, 900).boundedTo(screen()->availableSize() - QSize(0, kTitleBarHeight)));
  setMinimumSize(900, 560);
  setContextMenuPolicy(Qt::NoContextMenu);

  m_live = new LivePage(session, store, board, selection, workspace, live, this);
  addPage(m_live);
  addPage(new ModelsPage(store, this));
  m_heads = new HeadsPage(*new session::HeadBoard(session, store, selection, workspace, this),
                          *new session::InsideBoard(session, store, selection, this), selection, this);
  addPage(m_heads);
  m_export = new ExportCommands({store, selection, board}, this);
  connect(m_export, &ExportCommands::message, this, &MainWindow::showMessage);
  auto* column = new QVBoxLayout;
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_stack, 1);
  auto* frame = new QWidget(this);
  auto* row = new QHBoxLayout(frame);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  row->addWidget(m_modes);
  row->addLayout(column, 1);
  setCentralWidget(frame);
  live->installEventFilter(this);
  m_headMenu = new HeadMenu(store, selection, *m_export, this);
  connect(m_heads, &HeadsPage::liveWanted, this, [this] { showPage(kLivePlace); });
  connect(m_heads, &HeadsPage::repeatedWanted, this, [this](const evaluation::RepeatedTokens& repeated) {
    m_workspace.readRepeatedTokens(repeated);
    showPage(kLivePlace);
  });
  connect(m_heads, &HeadsPage::messageAreaChanged, this, &MainWindow::placeMessages);
  connect(m_heads, &HeadsPage::message, this, &MainWindow::showMessage);
  connect(m_heads, &HeadsPage::saveWanted, m_export,
          [this](const QString& name, const std::string& csv) { m_export->saveCsv(name, csv); });
  connect(m_heads, &HeadsPage::figureWanted, m_export,
          [this](const QString& name, const figures::Figure& figure) {
            m_export->savePicture(name, [&] { return figure; });
          });
  connect(m_heads, &HeadsPage::figureTableWanted, m_export,
          [this](const QString& name, const figures::Figure& figure) {
            m_export->saveTable(name, [&] { return figure; });
          });
  connect(m_modes, &ModeBar::chosen, this, &MainWindow::showPage);
  m_files = new FileCommands(workspace, store, settings, this);
  connect(m_live, &LivePage::openFileRequested, m_files, &FileCommands::chooseModels);

  m_help = new HelpCommands(*this, store, settings);
  m_quitQuestion = new QuitQuestion(session, this);
  m_tour = new Tour(session, workspace, store, selection,
                    {.showLive = [this] { showPage(kLivePlace); },
                     .wantCharts = [this](std::optional<bool> wanted) { return m_live->wantCharts(wanted); },
                     .isPresentation = [this] { return m_appearance.presentation(); }},
                    this);

  createMenus();
  connectWorkspace();
  restoreGeometry(settings.windowGeometry());
}

void MainWindow::addPage(Page* page) {
  m_pages.push_back(page);
  page->installEventFilter(this);  // a page gets its size when it is first shown
  m_stack->addWidget(page);
  m_modes->add(page->title(), QString("%1 (Alt+%2)").arg(page->purpose()).arg(m_pages.size()));
}

int MainWindow::page() const {
  return m_stack->currentIndex();
}

void MainWindow::showPage(int page) {
  m_modes->setCurrent(page);
  m_stack->setCurrentIndex(page);
  placeMessages();
}

void MainWindow::placeMessages() {
  if (m_pages.empty() || !centralWidget()) return;
  const Page* page = m_pages[static_cast<std::size_t>(this->page())];
  const QRect area = page->messageArea();
  m_messages->floatIn({page->mapTo(this, area.topLeft()), area.size()});
}

void MainWindow::setLiveMessageArea(const QRect& area) {
  if (m_live->setMessageArea(area)) placeMessages();
}

bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Resize || event->type() == QEvent::Move) placeMessages();
  return QMainWindow::eventFilter(watched, event);
}

void MainWindow::start(const std::vector<std::string>& files) {
  setAppearance(m_settings.appearance());
  m_live->showSettings(m_settings);
  m_live->setFocus(Qt::OtherFocusReason);
  m_workspace.start(files);
}

void MainWindow::connectWorkspace() {
  connect(&m_workspace, &session::Workspace::message, this, &MainWindow::showMessage);
  connect(&m_workspace, &session::Workspace::choicesChanged, this,
          [this] { m_live->showChoices(m_settings); });
  connect(&m_workspace, &session::Workspace::wentOn, m_messages, &MessageBar::dismiss);
  connect(&m_workspace, &session::Workspace::laneClosed, this, [this](const QString& sentence) {
    m_messages->show({session::Severity::Note, sentence.toStdString()}, "Undo",
                     [this] { m_workspace.undoClose(); });
  });
  connect(&m_workspace, &session::Workspace::contradictionFound, this, [this](const QString& sentence) {
    m_messages->show({session::Severity::Note, sentence.toStdString()}, "Show the model",
                     [this] { showPage(kModelsPlace); });
  });
  connect(&m_session, &session::SessionHost::stateChanged, this, [this](const session::SessionState& state) {
    showOpening(state.opening);
    showStudying(state.studying);
  });
}

void MainWindow::createMenus() {
  menuBar()->addMenu(createFileMenu());
  const PageMenus menus{.decode = menuBar()->addMenu("&Decode"),
                        .explain = menuBar()->addMenu("&Explain"),
                        .look = menuBar()->addMenu("&View")};
  for (std::size_t place = 0; place < m_pages.size(); ++place) {
    addCommand(menus.look, m_pages[place]->title(), QKeySequence(QString("Alt+%1").arg(place + 1)),
               [this, place] { showPage(static_cast<int>(place)); });
  }
  menus.look->addSeparator();
  for (Page* page : m_pages) page->addCommands(menus);
  m_headMenu->addTo(menus.decode);
  addWindowCommands(menus.look);
  auto* presets = new PresetMenu(m_workspace, *this);
  menuBar()->addMenu(presets);
  m_live->setPresets(presets);
  QMenu* help = menuBar()->addMenu("&Help");
  addCommand(help, "Take the &tour", Qt::SHIFT | Qt::Key_F1, [this] { takeTour(); });
  m_help->addTo(help);
}

QMenu* MainWindow::createFileMenu() {
  auto* file = new QMenu("&File", this);
  m_files->addOpening(file);
  addCommand(file, "&Add a lane\u2026", Qt::CTRL | Qt::Key_N, [this] {
    showPage(kLivePlace);
    m_live->openLaneMenu();
  });
  addCommand(file, "&Close the last lane", Qt::CTRL | Qt::Key_W, [this] { m_workspace.closeLastLane(); });
  addCommand(file, "&Undo closing a lane", QKeySequence::Undo, [this] { m_workspace.undoClose(); });
  file->addSeparator();
  m_export->addTo(file);
  file->addSeparator();
  m_files->addSaving(file);
  file->addSeparator();
  addCommand(file, "&Preferences\u2026", Qt::CTRL | Qt::Key_Comma, [this] {
    PreferencesDialog dialog(m_settings, m_store, *this);
    dialog.exec();
  });
  addCommand(file, "&Quit", Qt::CTRL | Qt::Key_Q, [this] { close(); });
  return file;
}

void MainWindow::addWindowCommands(QMenu* look) {
  addCommand(look, "Close the inspector", Qt::Key_Escape, [this] {
    // What lies on top goes first.
    const QWidget* typed = focusWidget();
    if (m_closePopup && m_closePopup()) return;
    if (m_live->closeFind()) return;
    if (qobject_cast<const QComboBox*>(typed) || qobject_cast<const QAbstractSpinBox*>(typed)) {
      m_live->setFocus(Qt::OtherFocusReason);
    } else if (m_messages->isVisible()) {
      m_messages->dismiss();
    } else if (m_selection.head() && m_selection.look().fillsView) {
      m_selection.fillView(m_store);
    } else {
      m_selection.setHead(std::nullopt);
    }
  });
  addCommand(look, "Lanes: further down", Qt::Key_PageDown, [this] { emit lanesScrolled(1); });
  addCommand(look, "Lanes: further up", Qt::Key_PageUp, [this] { emit lanesScrolled(-1); });
  look->addSeparator();
  addCommand(look, "Dark or light", Qt::CTRL | Qt::Key_T, [this] {
    session::Appearance appearance = m_appearance;
    appearance.theme =
        appearance.theme == session::Theme::Dark ? session::Theme::Light : session::Theme::Dark;
    setAppearance(appearance);
  });
  addCommand(look, "Presentation: full screen, for a room", Qt::Key_F11, [this] {
    session::Appearance appearance = m_appearance;
    appearance.typeSize =
        appearance.presentation() ? session::TypeSize::Standard : session::TypeSize::Presentation;
    setAppearance(appearance);
  });
}

void MainWindow::showOpening(const session::Opening& opening) {
  // Small models are there before a sentence could be read.
  if (opening.underWay() && opening.share > 0.0) {
    const std::string sentence = session::progressText(opening);
    const session::Message note{session::Severity::Note, sentence};
    const auto cancel = [this] { m_session.cancelOpening(); };
    if (!m_openingNote.isEmpty() && m_messages->note() == m_openingNote) {
      m_messages->renew(note, "Cancel", cancel);
    } else {
      m_messages->show(note, "Cancel", cancel);
    }
    m_openingNote = QString::fromStdString(sentence);
  } else if (!opening.underWay() && !m_openingNote.isEmpty()) {
    if (m_messages->note() == m_openingNote) m_messages->dismissNote();
    m_openingNote.clear();
  }
}

void MainWindow::showStudying(const session::Studying& studying) {
  // The page has its own progress.
  const bool isWanted = studying.underWay && m_pages[static_cast<std::size_t>(page())] != m_heads;
  const bool isShown = !m_studyingNote.isEmpty() && m_messages->note() == m_studyingNote;
  if (!isWanted) {
    if (isShown) m_messages->dismissNote();
    m_studyingNote.clear();
    return;
  }
  const std::string sentence = session::progressText(studying) + " Decoding waits.";
  const session::Message note{session::Severity::Note, sentence};
  const auto cancel = [this] { m_session.cancelStudying(); };
  if (isShown) {
    m_messages->renew(note, "Cancel", cancel);
  } else {
    m_messages->show(note, "Cancel", cancel);
  }
  m_studyingNote = QString::fromStdString(sentence);
}

void MainWindow::showMessage(const session::Message& message) {
  m_messages->show(message);
}

void MainWindow::setAbout(const About& about) {
  m_help->setAbout(about);
  setWindowIcon(about.icon);
}

void MainWindow::takeTour() {
  m_offersTour = false;
  if (m_messages->note() == kTourOffer) m_messages->dismissNote();
  m_tour->begin();
}

void MainWindow::offerTour() {
  if (m_settings.tourOffered()) return;
  m_offersTour = true;
  connect(&m_store, &session::TraceStore::changed, this, &MainWindow::offerTourWithText);
  connect(m_messages, &MessageBar::noteGone, this, [this](const QString& note) {
    if (note == kTourOffer) m_offersTour = false;
  });
  // Queued: what follows in the same breath may be another note.
  connect(m_messages, &MessageBar::noteGone, this, &MainWindow::offerTourWithText, Qt::QueuedConnection);
  // Lanes may have decoded all their text before: then nothing changes any more.
  offerTourWithText();
}

void MainWindow::offerTourWithText() {
  // Another note is read first, and one that displaced the offer would have hidden it for good: the offer
  // comes when no note stands there, until somebody takes it or sends it away.
  if (!m_offersTour || !m_messages->note().isEmpty() || m_store.length() < kPositionsBeforeTour) return;
  m_settings.setTourOffered();
  m_messages->show({session::Severity::Note, kTourOffer}, "Take the tour", [this] { takeTour(); });
}

void MainWindow::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_settings.setAppearance(appearance);
  const bool fills = appearance.presentation();
  if (fills != isFullScreen()) setWindowState(windowState() ^ Qt::WindowFullScreen);
  emit appearanceChanged(appearance);
  m_modes->setAppearance(appearance);
  m_messages->setAppearance(appearance);
  for (Page* page : m_pages) page->setAppearance(appearance);
}

void MainWindow::handleKey(QKeyEvent* event) {
  const QKeySequence pressed(event->keyCombination());
  for (QAction* action : findChildren<QAction*>()) {
    if (!action->isEnabled() || !action->shortcuts().contains(pressed)) continue;
    action->trigger();
    return;
  }
}

void MainWindow::resizeEvent(QResizeEvent* event) {
  QMainWindow::resizeEvent(event);
  placeMessages();
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (!m_quitQuestion->mayQuit()) {
    event->ignore();
    return;
  }
  m_settings.setWindow(saveGeometry(), m_live->layoutState());
  m_settings.setMapLook(m_selection.colorMap(), m_selection.mapScale());
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  openDropped(event->mimeData()->urls());
  event->acceptProposedAction();
}

void MainWindow::openDropped(const QList<QUrl>& urls) {
  m_files->openDropped(urls);
}

}  // namespace headroom::pages
