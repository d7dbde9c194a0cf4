#include "app/pages/live/live_page.h"

#include <QAction>
#include <QActionGroup>
#include <QResizeEvent>
#include <QSplitter>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <utility>

#include "app/pages/command.h"
#include "app/pages/live/find_bar.h"
#include "app/pages/live/lane_bar.h"
#include "app/pages/live/lane_controls.h"
#include "app/pages/live/lower_panel.h"
#include "app/pages/live/transport_bar.h"

namespace headroom::pages {

namespace {
/// Pixels that text, head wall, cache and timeline of the lanes need to show a row of heads.
constexpr int kHeightOfHeads = 390;
/// And those of the inspector, whose labels and figures stand around its maps.
constexpr int kHeightOfInspector = 500;
/// The lanes scroll where they have less than they need, but not in less than this.
constexpr int kLeastHeightOfLanes = 130;
constexpr int kLeastHeightOfCharts = 150;
/// Of the views that have more to say.
constexpr int kLeastHeightOfOtherViews = 215;
constexpr int kLongStep = 10;
/// Pixels down that a page needs to show lanes and charts.
constexpr int kHeightForCharts = 720;
/// And to show charts below an inspector whose maps are as large as its width allows.
constexpr int kHeightForChartsAndInspector = 1150;
/// And how many to show settings that take two rows in large type.
constexpr int kHeightForLaneSettings = 420;

int scaled(int pixels, const session::Appearance& appearance) {
  return static_cast<int>(static_cast<float>(pixels) * appearance.scale());
}

/// One chart in large type needs more than three in small.
int chartHeight(int whole, const session::Appearance& appearance) {
  const auto [share, least, most] =
      appearance.presentation() ? std::array{28, 190, 320} : std::array{22, 150, 240};
  return std::clamp(whole * share / 100, scaled(least, appearance), scaled(most, appearance));
}
}  // namespace

LivePage::LivePage(session::SessionHost& session, session::TraceStore& store, session::SpeedBoard& board,
                   session::Selection& selection, session::Workspace& workspace, QWidget* live,
                   QWidget* parent)
    : Page(parent),
      m_session(session),
      m_store(store),
      m_selection(selection),
      m_workspace(workspace),
      m_transport(new TransportBar(session::bundledModels(), session::offeredPrompts(), this)),
      m_find(new FindBar(store, selection, this)),
      m_controls(new LaneControls(this)),
      m_lower(new LowerPanel(store, board, selection, this)),
      m_splitter(new QSplitter(Qt::Vertical, this)),
      m_lanes(live),
      m_lowerHeights(kLowerViewCount, 0) {
  // Where the keyboard is when nobody types.
  setFocusPolicy(Qt::StrongFocus);
  divide(live);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(m_transport);
  layout->addWidget(m_controls);
  layout->addWidget(m_find);
  layout->addWidget(m_splitter, 1);
  connect(&session, &session::SessionHost::stateChanged, this, &LivePage::showState);
  // Where a choice could not be carried out, the controls go back to what runs.
  connect(&session, &session::SessionHost::lanesSettled, this, &LivePage::showLanes);
  connect(&workspace, &session::Workspace::lanesStand, this, &LivePage::showLanes);
  connect(&workspace, &session::Workspace::promptChanged, this, &LivePage::showPrompt);
  connect(&workspace, &session::Workspace::wayBackChanged, this, [this] {
    const std::string& way = m_workspace.wayBack();
    m_lower->strip().setReturn(way.empty() ? std::nullopt : std::optional(QString::fromStdString(way)));
    offerCommands();
  });
  connect(&board, &session::SpeedBoard::changed, this, &LivePage::offerCommands);
  connect(&selection, &session::Selection::changed, this, [this] {
    const bool inspects = m_selection.head().has_value();
    if (std::exchange(m_inspects, inspects) == inspects) return;
    fitCharts();
    divideHeight();
  });
  connectTransport();
  connectControls();
}

void LivePage::divide(QWidget* live) {
  live->setMinimumHeight(kLeastHeightOfLanes);
  m_splitter->addWidget(live);
  m_splitter->addWidget(m_lower);
  m_splitter->setChildrenCollapsible(false);
  m_splitter->setStretchFactor(0, 1);
  m_splitter->setStretchFactor(1, 0);
  m_splitter->setHandleWidth(3);
  connect(m_splitter, &QSplitter::splitterMoved, this, &LivePage::rememberHeight);
}

bool LivePage::closeFind() {
  return m_find->close();
}

int LivePage::heightForCharts() const {
  return scaled(kHeightForCharts, m_appearance);
}

int LivePage::heightForChartsAndInspector() const {
  return scaled(kHeightForChartsAndInspector, m_appearance);
}

void LivePage::fitCharts() {
  const bool open = m_inspects
                        ? m_wantsChartsBesideInspector.value_or(!m_appearance.presentation() &&
                                                                height() >= heightForChartsAndInspector())
                        : m_wantsCharts.value_or(height() >= heightForCharts());
  if (open == m_lower->isOpen()) return;
  m_lower->setOpen(open);
  // There is nothing to make higher.
  m_splitter->handle(1)->setEnabled(open);
  divideHeight();
}

void LivePage::chooseCharts(bool open) {
  (m_inspects ? m_wantsChartsBesideInspector : m_wantsCharts) = open;
  fitCharts();
}

int LivePage::heightForLaneSettings() const {
  return scaled(kHeightForLaneSettings, m_appearance);
}

void LivePage::fitLaneSettings() {
  const bool fold = height() < heightForLaneSettings();
  const bool open = m_wantsLaneSettings.value_or(!fold);
  // Fewer controls in front of an audience; the menus still have every command.
  m_controls->setVisible(open && !m_appearance.presentation());
  m_transport->foldLaneSettings(fold && !m_appearance.presentation(), open);
}

void LivePage::resizeEvent(QResizeEvent* event) {
  Page::resizeEvent(event);
  const auto crossed = [&](int limit) { return (event->oldSize().height() >= limit) != (height() >= limit); };
  if (crossed(heightForCharts())) m_wantsCharts.reset();
  if (crossed(heightForChartsAndInspector())) m_wantsChartsBesideInspector.reset();
  if (crossed(heightForLaneSettings())) m_wantsLaneSettings.reset();
  fitLaneSettings();
  layout()->activate();
  fitCharts();
  // What charts took of a high window is too much of a low one.
  divideHeight();
  // Full screen comes after the larger type was asked for.
  if (!m_appearance.presentation()) return;
  std::ranges::fill(m_lowerHeights, 0);
  divideHeight();
}

void LivePage::showChoices(const session::Settings& settings) {
  m_transport->setPace(settings.pace());
  m_transport->setSampling(settings.sampling());
  m_transport->setWhenTextEnds(settings.whenTextEnds());
}

void LivePage::showSettings(const session::Settings& settings) {
  showChoices(settings);
  const int whole = std::max(window()->height(), 400);
  const int charts = chartHeight(whole, m_appearance);
  m_splitter->setSizes({whole - charts, charts});
  const bool isRestored = m_splitter->restoreState(settings.windowState());
  // What was kept while they were folded is no height of charts.
  if (isRestored && m_splitter->sizes()[1] >= charts / 2) rememberHeight();
}

QRect LivePage::messageArea() const {
  const QRect area = m_messageArea.isEmpty() ? m_lanes->rect() : m_messageArea.intersected(m_lanes->rect());
  return {m_lanes->mapTo(this, area.topLeft()), area.size()};
}

bool LivePage::setMessageArea(const QRect& area) {
  return std::exchange(m_messageArea, area) != area;
}

QByteArray LivePage::layoutState() const {
  return m_splitter->saveState();
}

void LivePage::connectTransport() {
  connect(m_transport->playAction(), &QAction::triggered, &m_workspace, &session::Workspace::togglePlaying);
  connect(m_transport->stepAction(), &QAction::triggered, &m_workspace, &session::Workspace::stepOne);
  connect(m_transport->restartAction(), &QAction::triggered, &m_workspace, &session::Workspace::restart);
  connect(m_transport, &TransportBar::promptEntered, this,
          [this](const QString& prompt) { m_workspace.enterPrompt(prompt.toStdString()); });
  connect(m_transport, &TransportBar::promptLeft, this, [this] { setFocus(Qt::OtherFocusReason); });
  connect(m_controls, &LaneControls::left, this, [this] { setFocus(Qt::OtherFocusReason); });
  connect(m_transport, &TransportBar::paceChosen, &m_workspace, &session::Workspace::setPace);
  connect(m_transport, &TransportBar::samplingChosen, &m_workspace, &session::Workspace::setSampling);
  connect(m_transport, &TransportBar::whenTextEndsChosen, &m_workspace, &session::Workspace::setWhenTextEnds);
  connect(m_transport, &TransportBar::feedChosen, &m_workspace, &session::Workspace::setFeed);
  connect(m_transport, &TransportBar::laneSettingsWanted, this, [this](bool open) {
    m_wantsLaneSettings = open;
    fitLaneSettings();
  });
  LaneBar& lanes = m_transport->lanes();
  connect(&lanes, &LaneBar::addRequested, this,
          [this](const QString& source) { m_workspace.addLane(source.toStdString()); });
  connect(&lanes, &LaneBar::openFileRequested, this, &LivePage::openFileRequested);
  connect(&lanes, &LaneBar::closeRequested, &m_workspace, &session::Workspace::closeLane);
}

void LivePage::connectControls() {
  connect(m_controls, &LaneControls::lanesChosen, &m_workspace, &session::Workspace::chooseOptions);
  connect(m_controls, &LaneControls::fillChosen, &m_workspace, &session::Workspace::setFill);
  connect(m_controls, &LaneControls::kernelsRequested, &m_workspace, &session::Workspace::compareKernels);
  VerdictStrip& strip = m_lower->strip();
  connect(&strip, &VerdictStrip::goThere, this, &LivePage::goThere);
  connect(&strip, &VerdictStrip::goBack, &m_workspace, &session::Workspace::goBack);
  connect(&strip, &VerdictStrip::stopFilling, &m_session, &session::SessionHost::stopFilling);
  connect(&strip, &VerdictStrip::measureSpeed, this, &LivePage::measureSpeed);
  connect(&strip, &VerdictStrip::stopMeasuring, &m_session, &session::SessionHost::cancelMeasuring);
  connect(m_lower, &LowerPanel::kvHeadPointed, this,
          [this](std::optional<session::KvHeadAddress> head) { m_selection.pointAtKvHead(this, head); });
  connect(m_lower, &LowerPanel::viewChanged, this, [this](LowerView view) {
    chooseCharts(true);
    showLowerView(view);
  });
  connect(m_lower, &LowerPanel::viewChosenAgain, this, [this] { chooseCharts(!m_lower->isOpen()); });
}

void LivePage::showState(const session::SessionState& state) {
  m_transport->setState(state);
  m_controls->setFill(state.fill);
  if (m_store.laneCount() == 0) showComing();
  m_lower->setState(state);
  offerCommands();
}

void LivePage::showLanes() {
  std::vector<std::string> titles;
  std::vector<session::LaneInfo> infos;
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    infos.push_back(m_store.lane(lane).info());
    titles.push_back(infos.back().title);
  }
  m_transport->lanes().setLanes(m_workspace.lanes(), titles);
  if (infos.empty()) {
    showComing();
    return;
  }
  m_controls->setLanes(m_workspace.lanes(), infos);
  m_transport->setDevice(QString::fromStdString(m_store.deviceName()));
}

void LivePage::showComing() {
  m_controls->setLanes(
      m_session.opening().underWay() ? m_session.lanes() : std::vector<session::LaneRequest>(), {});
}

void LivePage::showPrompt(const std::string& prompt, session::PromptForm form) {
  m_transport->setPromptForm(form);
  m_transport->setPrompt(QString::fromStdString(prompt));
  if (m_chat) m_chat->setChecked(form == session::PromptForm::Chat);
  if (m_ids) m_ids->setChecked(form == session::PromptForm::Ids);
}

void LivePage::goThere() {
  if (const auto point = m_lower->strip().destination()) m_workspace.goTo(*point);
}

void LivePage::measureSpeed() {
  m_session.measureSpeed();
  if (m_lower->view() != LowerView::Speed || !m_lower->isOpen()) m_lower->setView(LowerView::Speed);
}

void LivePage::offerCommands() {
  if (m_goThere == nullptr) return;
  const session::SessionState& state = m_session.state();
  m_goThere->setEnabled(m_lower->strip().destination().has_value());
  m_goBack->setEnabled(!m_workspace.wayBack().empty());
  m_stopFilling->setEnabled(state.filling.underWay());
  m_stopMeasuring->setEnabled(state.measuring.underWay);
}

void LivePage::rememberHeight() {
  m_lowerHeights[static_cast<std::size_t>(m_lowerView)] = m_splitter->sizes()[1];
}

void LivePage::showLowerView(LowerView view) {
  m_lowerView = view;
  divideHeight();
}

void LivePage::divideHeight() {
  const QList<int> sizes = m_splitter->sizes();
  const int whole = sizes[0] + sizes[1];
  if (!m_lower->isOpen()) {
    m_splitter->setSizes({whole, 1});
    return;
  }
  // The other views need more height than the charts, which are looked at beside the lanes.
  int height = m_lowerHeights[static_cast<std::size_t>(m_lowerView)];
  if (height == 0) {
    height = m_lowerView == LowerView::Charts
                 ? chartHeight(whole, m_appearance)
                 : std::clamp(whole * 44 / 100, scaled(200, m_appearance), scaled(420, m_appearance));
  }
  // The heads stay to be seen.
  const int least = m_lowerView == LowerView::Charts ? kLeastHeightOfCharts : kLeastHeightOfOtherViews;
  const int lanes = scaled(m_inspects ? kHeightOfInspector : kHeightOfHeads, m_appearance);
  const int wanted = std::min(height, std::max(scaled(least, m_appearance), whole - lanes));
  m_splitter->setSizes({whole - wanted, wanted});
}

void LivePage::setAppearance(const session::Appearance& appearance) {
  m_transport->setAppearance(appearance);
  m_lower->setAppearance(appearance);
  const bool isAsLarge = m_appearance.textSize() == appearance.textSize();
  m_appearance = appearance;
  fitLaneSettings();
  if (isAsLarge) return;
  std::ranges::fill(m_lowerHeights, 0);
  fitCharts();
  if (m_lower->isOpen()) divideHeight();
}

void LivePage::setPresets(QMenu* presets) {
  m_transport->setPresets(presets);
}

std::optional<bool> LivePage::wantCharts(std::optional<bool> wanted) {
  if (wanted == true && m_lowerView != LowerView::Charts) m_lower->setView(LowerView::Charts);
  const std::optional<bool> before =
      std::exchange(m_inspects ? m_wantsChartsBesideInspector : m_wantsCharts, wanted);
  fitCharts();
  return before;
}

void LivePage::openLaneMenu() {
  m_transport->lanes().openMenu();
}

void LivePage::addCommands(const PageMenus& menus) {
  addDecodeCommands(menus.decode);
  addExplainCommands(menus.explain);
  addLookCommands(menus.look);
}

void LivePage::addDecodeCommands(QMenu* menu) {
  menu->addAction(m_transport->playAction());
  menu->addAction(m_transport->stepAction());
  menu->addAction(m_transport->restartAction());
  menu->addSeparator();
  addCommand(menu, "&Faster", Qt::Key_Plus, [this] { m_transport->changeSpeed(1); });
  addCommand(menu, "&Slower", Qt::Key_Minus, [this] { m_transport->changeSpeed(-1); });
  menu->addSeparator();
  addCommand(menu, "Edit the &prompt", Qt::CTRL | Qt::Key_L, [this] { m_transport->focusPrompt(); });
  const auto form = [this](QAction* action, session::PromptForm wanted) {
    m_workspace.setPromptForm(action->isChecked() ? wanted : session::PromptForm::Text,
                              m_transport->prompt().toStdString());
  };
  m_chat = addCommand(menu, "Prompt as &chat message", Qt::CTRL | Qt::SHIFT | Qt::Key_L,
                      [this, form] { form(m_chat, session::PromptForm::Chat); });
  m_chat->setToolTip("Put the prompt into the model's own chat template, as the user's message");
  m_ids = addCommand(menu, "Prompt as token &ids", Qt::CTRL | Qt::SHIFT | Qt::Key_I,
                     [this, form] { form(m_ids, session::PromptForm::Ids); });
  m_ids->setToolTip("Feed exactly the token ids that the prompt lists; it begins with those of the text");
  auto* forms = new QActionGroup(this);
  forms->setExclusionPolicy(QActionGroup::ExclusionPolicy::ExclusiveOptional);
  for (QAction* action : {m_chat, m_ids}) {
    action->setCheckable(true);
    forms->addAction(action);
  }
  menu->setToolTipsVisible(true);
  addCommand(menu, "Sam&pling\u2026", Qt::Key_G, [this] { m_transport->openSampling(); });
  addCommand(menu, "&Lockstep on or off", Qt::Key_K, [this] { m_transport->toggleLockstep(); });
}

void LivePage::addExplainCommands(QMenu* menu) {
  m_goThere = addCommand(menu, "&Go where sharing heads pays", Qt::CTRL | Qt::Key_G, [this] { goThere(); });
  m_goBack = addCommand(menu, "Go &back", Qt::CTRL | Qt::SHIFT | Qt::Key_G, [this] { m_workspace.goBack(); });
  addCommand(menu, "Shared and naive &kernel side by side", Qt::CTRL | Qt::Key_E,
             [this] { m_workspace.compareKernels(-1); });
  addCommand(menu, "&Fill the context to\u2026", Qt::CTRL | Qt::Key_F, [this] {
    m_wantsLaneSettings = true;
    fitLaneSettings();
    m_controls->focusFill();
  });
  m_stopFilling = addCommand(menu, "&Stop filling", QKeySequence(), [this] { m_session.stopFilling(); });
  addCommand(menu, "&Measure speed against context", Qt::CTRL | Qt::Key_M, [this] { measureSpeed(); });
  m_stopMeasuring =
      addCommand(menu, "Stop measuring", QKeySequence(), [this] { m_session.cancelMeasuring(); });
  addCommand(menu, "Measure this device's &limits again", QKeySequence(),
             [this] { m_session.measureCeilings(); });
  offerCommands();
  menu->addSeparator();
  addCommand(menu, "Show &charts below", Qt::CTRL | Qt::Key_1,
             [this] { m_lower->setView(LowerView::Charts); });
  addCommand(menu, "Show &speed against context below", Qt::CTRL | Qt::Key_2,
             [this] { m_lower->setView(LowerView::Speed); });
  addCommand(menu, "Show the &roofline below", Qt::CTRL | Qt::Key_3,
             [this] { m_lower->setView(LowerView::Roofline); });
  addCommand(menu, "Show the &weights below", Qt::CTRL | Qt::Key_4,
             [this] { m_lower->setView(LowerView::Weights); });
}

void LivePage::addLookCommands(QMenu* menu) {
  const auto position = [&](const char* text, const QKeySequence& keys, int by) {
    addCommand(menu, text, keys, [this, by] { m_selection.movePosition(m_store, by); });
  };
  position("One token back", Qt::Key_Left, -1);
  position("One token on", Qt::Key_Right, 1);
  position("Ten tokens back", Qt::SHIFT | Qt::Key_Left, -kLongStep);
  position("Ten tokens on", Qt::SHIFT | Qt::Key_Right, kLongStep);
  addCommand(menu, "First token", Qt::Key_Home, [this] {
    if (m_store.length() > 0) m_selection.setPosition(0);
  });
  addCommand(menu, "Newest token", Qt::Key_End, [this] { m_selection.setPosition(std::nullopt); });
  addCommand(menu, "Pin the row of the token looked at, or unpin it", Qt::Key_P, [this] {
    if (m_store.length() > 0) m_selection.togglePin(m_selection.positionIn(m_store, 0));
  });
  addCommand(menu, "Find tokens\u2026", Qt::Key_Slash, [this] { m_find->open(); });
  addCommand(menu, "Next token found", Qt::Key_F3, [this] { m_find->go(1); });
  addCommand(menu, "Previous token found", Qt::SHIFT | Qt::Key_F3, [this] { m_find->go(-1); });
  menu->addSeparator();
  const auto head = [&](const char* text, const QKeySequence& keys, int layers, int heads) {
    addCommand(menu, text, keys, [this, layers, heads] { m_selection.moveHead(m_store, layers, heads); });
  };
  head("Next head", Qt::CTRL | Qt::Key_Right, 0, 1);
  head("Previous head", Qt::CTRL | Qt::Key_Left, 0, -1);
  head("Next layer", Qt::CTRL | Qt::Key_Down, 1, 0);
  head("Previous layer", Qt::CTRL | Qt::Key_Up, -1, 0);
  addCommand(menu, "Same head of the next lane", Qt::Key_L, [this] { m_selection.nextLane(m_store); });
  addCommand(menu, "Fill the view with the inspected head, or show the lanes again", Qt::Key_F,
             [this] { m_selection.fillView(m_store); });
  addCommand(menu, "Show heads as maps, as their difference, or as lines", Qt::Key_D, [this] {
    session::InspectorLook look = m_selection.look();
    look.form = static_cast<session::InspectorLook::Form>((static_cast<int>(look.form) + 1) % 3);
    m_selection.setLook(look);
  });
  menu->addSeparator();
  addCommand(menu, "Next map scale", Qt::Key_S, [this] {
    const int next = (static_cast<int>(m_selection.mapScale()) + 1) % session::kMapScaleCount;
    m_selection.setMapScale(static_cast<session::MapScale>(next));
  });
  addCommand(menu, "Next map colours", Qt::Key_C, [this] {
    const int next = (static_cast<int>(m_selection.colorMap()) + 1) % session::kColorMapCount;
    m_selection.setColorMap(static_cast<session::ColorMap>(next));
  });
}

}  // namespace headroom::pages
