#include "app/pages/main_window.h"

#include <QAction>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QKeyEvent>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QScreen>
#include <QSplitter>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>

#include "app/pages/lane_bar.h"
#include "app/pages/lane_controls.h"
#include "app/pages/lower_panel.h"
#include "app/pages/message_bar.h"
#include "app/pages/transport_bar.h"
#include "app/session/decoder_factory.h"

namespace headroom::pages {

namespace {

/// Room for the frame that the desktop puts around the window.
constexpr int kTitleBarHeight = 28;

/// The lowest lane colour that no open lane has.
int freeColor(const std::vector<session::LaneRequest>& lanes) {
  for (int color = 0; color < session::kMaximumLanes; ++color) {
    const auto uses = [color](const session::LaneRequest& lane) { return lane.colorIndex == color; };
    if (std::none_of(lanes.begin(), lanes.end(), uses)) return color;
  }
  return 0;
}

}  // namespace

MainWindow::MainWindow(session::SessionHost& session, session::TraceStore& store,
                       session::Selection& selection, session::Settings& settings, QWidget* live)
    : m_session(session),
      m_store(store),
      m_selection(selection),
      m_settings(settings),
      m_transport(new TransportBar(session::bundledModels(), this)),
      m_messages(new MessageBar(this)),
      m_controls(new LaneControls(this)),
      m_lower(new LowerPanel(store, selection, this)),
      m_lowerHeights(kLowerViewCount, 0),
      m_splitter(new QSplitter(Qt::Vertical, this)) {
  setWindowTitle("Headroom");
  setAcceptDrops(true);
  resize(QSize(1440, 900).boundedTo(screen()->availableSize() - QSize(0, kTitleBarHeight)));
  setMinimumSize(900, 560);
  addToolBar(m_transport);
  addToolBarBreak();
  addToolBar(m_controls);
  setContextMenuPolicy(Qt::NoContextMenu);

  live->setMinimumHeight(240);
  m_splitter->addWidget(live);
  m_splitter->addWidget(m_lower);
  m_splitter->setChildrenCollapsible(false);
  m_splitter->setStretchFactor(0, 1);
  m_splitter->setStretchFactor(1, 0);
  m_splitter->setHandleWidth(3);
  const int chartHeight = std::clamp(height() * 22 / 100, 150, 220);
  m_splitter->setSizes({height() - chartHeight, chartHeight});
  auto* page = new QWidget(this);
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(m_messages);
  layout->addWidget(m_splitter, 1);
  setCentralWidget(page);

  createMenus();
  connectSession();
  connectControls();
  restoreGeometry(settings.windowGeometry());
  m_splitter->restoreState(settings.windowState());
}

void MainWindow::start(const std::vector<std::string>& files) {
  setAppearance(m_settings.appearance());
  m_selection.setColorMap(m_settings.colorMap());
  m_selection.setMapScale(m_settings.mapScale());
  m_transport->setPace(m_settings.pace());
  m_transport->setPrompt(QString::fromStdString(m_settings.prompt()));
  m_transport->setSampling(m_settings.sampling());
  m_chat->setChecked(m_settings.promptForm() == session::PromptForm::Chat);
  m_ids->setChecked(m_settings.promptForm() == session::PromptForm::Ids);
  m_transport->setPromptForm(m_settings.promptForm());
  m_session.setPromptForm(m_settings.promptForm());
  m_session.setPrompt(m_settings.prompt());
  m_session.setSampling(m_settings.sampling());
  m_session.setPace(m_settings.pace());
  m_session.setFeed(m_settings.feed());
  std::vector<session::LaneRequest> lanes;
  QStringList left;
  for (const std::string& file : files) {
    if (std::ssize(lanes) < session::kMaximumLanes) {
      lanes.push_back({file, freeColor(lanes), {}});
    } else {
      left << QString::fromStdString(file);
    }
  }
  setLanes(lanes.empty() ? m_settings.lanes() : lanes);
  m_session.play();
  noteLeftOut(left);
}

void MainWindow::connectSession() {
  connect(&m_session, &session::SessionHost::message, this, &MainWindow::showMessage);
  connect(&m_session, &session::SessionHost::stateChanged, this, [this](const session::SessionState& state) {
    m_transport->setState(state);
    m_store.setFeed(state.feed);
    m_controls->setFill(state.fill);
    m_lower->setState(state);
    showOpening(state.opening);
  });
  connect(&m_store, &session::TraceStore::lanesChanged, this, &MainWindow::lanesRunning);
  // Where a choice could not be carried out, the controls go back to what runs.
  connect(&m_session, &session::SessionHost::lanesSettled, this, &MainWindow::showLaneOptions);
  connect(m_transport->playAction(), &QAction::triggered, this, &MainWindow::togglePlaying);
  connect(m_transport->stepAction(), &QAction::triggered, this, [this] {
    m_selection.setPosition(std::nullopt);
    m_session.stepOne();
  });
  connect(m_transport->restartAction(), &QAction::triggered, this, [this] {
    m_selection.setPosition(std::nullopt);
    m_messages->dismiss();
    m_session.restart();
  });
  connect(m_transport, &TransportBar::promptEntered, this, [this](const QString& prompt) {
    m_selection.setPosition(std::nullopt);
    m_messages->dismiss();
    m_settings.setPrompt(prompt.toStdString());
    m_session.setPrompt(prompt.toStdString());
    m_session.play();
  });
  connect(m_transport, &TransportBar::paceChosen, this, [this](session::Pace pace) {
    m_settings.setPace(pace);
    m_session.setPace(pace);
  });
  connect(m_transport, &TransportBar::samplingChosen, this, [this](const model::SamplingOptions& sampling) {
    m_settings.setSampling(sampling);
    m_session.setSampling(sampling);
  });
  connect(m_transport, &TransportBar::feedChosen, this, [this](session::TokenFeed feed) {
    m_settings.setFeed(feed);
    m_session.setFeed(feed);
  });
  LaneBar& lanes = m_transport->lanes();
  connect(&lanes, &LaneBar::addRequested, this,
          [this](const QString& source) { addLane(source.toStdString()); });
  connect(&lanes, &LaneBar::openFileRequested, this, &MainWindow::chooseFile);
  connect(&lanes, &LaneBar::closeRequested, this, &MainWindow::closeLane);
}

void MainWindow::lanesRunning() {
  // What runs is the truth: a lane that could not be opened is not in it.
  m_lanes.clear();
  std::vector<std::string> titles;
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    m_lanes.push_back(m_store.lane(lane).info().request);
    titles.push_back(m_store.lane(lane).info().title);
  }
  m_transport->lanes().setLanes(m_lanes, titles);
  showLaneOptions();
  noteUntrained();
  noteContradictions();
  m_selection.clampTo(m_store);
  m_settings.setLanes(m_lanes);
  if (m_store.laneCount() > 0)
    m_transport->setDevice(QString::fromStdString(m_store.lane(0).info().deviceName));
}

void MainWindow::showLaneOptions() {
  std::vector<session::LaneInfo> infos;
  for (int lane = 0; lane < m_store.laneCount(); ++lane) infos.push_back(m_store.lane(lane).info());
  m_controls->setLanes(m_lanes, infos);
}

bool MainWindow::lanesStand() {
  if (m_session.lanes() == m_lanes) return true;
  showMessage({session::Severity::Passing, "Lanes are being opened or closed; once they stand, try again."});
  return false;
}

void MainWindow::setLanes(std::vector<session::LaneRequest> lanes) {
  m_session.setLanes(lanes);
}

void MainWindow::addLane(const std::string& source) {
  // Lanes may be on their way: what was asked for last is what this one comes on top of.
  std::vector<session::LaneRequest> lanes = m_session.lanes();
  if (std::ssize(lanes) >= session::kMaximumLanes) {
    showMessage({session::Severity::Note, "At most " + std::to_string(session::kMaximumLanes) +
                                              " lanes stand side by side; close one first."});
    return;
  }
  // As the others run, so that they compare.
  lanes.push_back({source, freeColor(lanes), lanes.empty() ? session::LaneOptions{} : lanes.back().options});
  setLanes(std::move(lanes));
}

void MainWindow::closeLane(int lane) {
  if (lane >= 0 && lane < std::ssize(m_lanes)) closeColor(m_lanes[static_cast<std::size_t>(lane)].colorIndex);
}

void MainWindow::closeColor(int colorIndex) {
  std::vector<session::LaneRequest> lanes = m_session.lanes();
  const auto closed = std::ranges::find(lanes, colorIndex, &session::LaneRequest::colorIndex);
  if (closed == lanes.end()) return;  // it is being closed
  const std::string title = session::laneTitle(closed->source);
  m_closed.push_back({*closed, static_cast<std::size_t>(closed - lanes.begin())});
  lanes.erase(closed);
  setLanes(std::move(lanes));
  m_messages->show({session::Severity::Note, "Lane " + title + " is closed."}, "Undo",
                   [this] { undoClose(); });
}

void MainWindow::undoClose() {
  if (m_closed.empty()) return;
  std::vector<session::LaneRequest> lanes = m_session.lanes();
  if (std::ssize(lanes) >= session::kMaximumLanes) {
    showMessage({session::Severity::Note, "There is no room for the closed lane among " +
                                              std::to_string(session::kMaximumLanes) + "; close one first."});
    return;
  }
  ClosedLane closed = m_closed.back();
  m_closed.pop_back();
  m_messages->dismiss();
  if (std::ranges::count(lanes, closed.request.colorIndex, &session::LaneRequest::colorIndex) > 0) {
    closed.request.colorIndex = freeColor(lanes);
  }
  lanes.insert(lanes.begin() + static_cast<std::ptrdiff_t>(std::min(closed.index, lanes.size())),
               closed.request);
  setLanes(std::move(lanes));
}

void MainWindow::openFiles(const QStringList& paths) {
  QStringList left;
  for (const QString& path : paths) {
    if (std::ssize(m_session.lanes()) >= session::kMaximumLanes) {
      left << QFileInfo(path).fileName();
      continue;
    }
    m_settings.addRecentFile(path.toStdString());
    addLane(path.toStdString());
  }
  noteLeftOut(left);
}

void MainWindow::noteLeftOut(const QStringList& files) {
  if (files.isEmpty()) return;
  showMessage({session::Severity::Note,
               QString("At most %1 lanes stand side by side; not opened: %2. Close a lane first.")
                   .arg(session::kMaximumLanes)
                   .arg(files.join(", "))
                   .toStdString()});
}

void MainWindow::chooseFile() {
  const QStringList paths = QFileDialog::getOpenFileNames(
      this, "Open a model", QString(), "Models and traces (*.gguf *.safetensors);;All files (*)");
  openFiles(paths);
}

void MainWindow::chooseFolder() {
  const QString folder = QFileDialog::getExistingDirectory(this, "Open a Hugging Face folder");
  if (!folder.isEmpty()) openFiles({folder});
}

void MainWindow::showOpening(const session::Opening& opening) {
  // Small models are there before a sentence could be read.
  if (opening.underWay() && opening.share > 0.0) {
    m_showsOpening = true;
    m_messages->show({session::Severity::Note, "Opening " + opening.title + ": " +
                                                   std::to_string(static_cast<int>(100.0 * opening.share)) +
                                                   " % of its weights are on the device."},
                     "Cancel", [this] { m_session.cancelOpening(); });
  } else if (!opening.underWay() && m_showsOpening) {
    m_showsOpening = false;
    if (m_messages->note().startsWith("Opening ")) m_messages->dismissNote();
  }
}

void MainWindow::setPromptForm(session::PromptForm form) {
  const bool wasIds = m_settings.promptForm() == session::PromptForm::Ids;
  const bool isIds = form == session::PromptForm::Ids;
  QString prompt = m_transport->prompt();
  if (isIds && !wasIds) {
    // The same text, as the first lane was fed it; a filled context holds it many times over.
    m_textPrompt = prompt;
    if (m_store.laneCount() > 0 && m_store.lane(0).promptLength() > 0 && m_session.state().fill == 0) {
      QStringList ids;
      const session::LaneTrace& lane = m_store.lane(0);
      for (const int id : lane.tokens().first(static_cast<std::size_t>(lane.promptLength())))
        ids << QString::number(id);
      prompt = ids.join(", ");
    }
  } else if (wasIds && !isIds && !m_textPrompt.isEmpty()) {
    prompt = m_textPrompt;
  }
  m_settings.setPromptForm(form);
  m_settings.setPrompt(prompt.toStdString());
  m_transport->setPromptForm(form);
  m_transport->setPrompt(prompt);
  m_session.setPromptForm(form);
  m_session.setPrompt(prompt.toStdString());
}

void MainWindow::noteContradictions() {
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const session::LaneInfo& info = m_store.lane(lane).info();
    const std::size_t count = info.contradictions.size();
    if (count == 0 || !m_told.insert(info.request.source).second) continue;
    m_messages->show(
        {session::Severity::Note, info.title + ": the file contradicts itself" +
                                      (count > 1 ? " in " + std::to_string(count) + " places. " : ". ") +
                                      info.contradictions.front() + "."},
        "Show the model", [this] { m_lower->setView(LowerView::Models); });
    return;
  }
}

void MainWindow::showMessage(const session::Message& message) {
  m_messages->show(message);
}

void MainWindow::setAbout(const About& about) {
  m_about = about;
  setWindowIcon(about.icon);
}

void MainWindow::togglePlaying() {
  if (m_session.state().playing) {
    m_session.pause();
    return;
  }
  m_selection.setPosition(std::nullopt);
  m_messages->dismiss();
  m_session.play();
}

void MainWindow::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_settings.setAppearance(appearance);
  emit appearanceChanged(appearance);
  m_transport->setAppearance(appearance);
  m_messages->setAppearance(appearance);
  m_controls->setAppearance(appearance);
  m_lower->setAppearance(appearance);
}

void MainWindow::handleKey(QKeyEvent* event) {
  const QKeySequence pressed(event->keyCombination());
  for (QAction* action : findChildren<QAction*>()) {
    if (!action->isEnabled() || !action->shortcuts().contains(pressed)) continue;
    action->trigger();
    return;
  }
}

void MainWindow::closeEvent(QCloseEvent* event) {
  m_settings.setWindow(saveGeometry(), m_splitter->saveState());
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
  QStringList paths;
  for (const QUrl& url : urls) {
    if (url.isLocalFile()) {
      paths << url.toLocalFile();
    } else {
      showMessage({session::Severity::Problem,
                   QString("%1 is not on this machine; a model is opened from a file or folder.")
                       .arg(url.toDisplayString())
                       .toStdString()});
    }
  }
  openFiles(paths);
}

}  // namespace headroom::pages
