// What MainWindow does to explain: lane controls, going where sharing pays and back, kernels side by side.
#include <QSplitter>
#include <algorithm>

#include "app/pages/lane_controls.h"
#include "app/pages/lower_panel.h"
#include "app/pages/main_window.h"
#include "app/pages/message_bar.h"
#include "core/analysis/quantity.h"

namespace headroom::pages {

namespace {

/// Positions left to decode behind a filled context.
constexpr int kRoomToDecode = 128;
/// Pixels that text, head wall, cache and timeline of the lanes need to show a row of heads.
constexpr int kHeightOfHeads = 340;

/// A context that holds `positions` and room to decode; 0, the model's own, where that is enough.
int contextFor(int positions, int modelContext) {
  const int least = (positions + kRoomToDecode + 63) / 64 * 64;
  return positions < modelContext ? 0 : std::min(least, session::kMaximumContext);
}

int heldBy(const session::LaneRequest& lane, int modelContext) {
  return lane.options.contextLength > 0 ? lane.options.contextLength : modelContext;
}

}  // namespace

void MainWindow::connectControls() {
  connect(
      m_controls, &LaneControls::lanesChosen, this, [this](const std::vector<session::LaneRequest>& chosen) {
        // Lanes may have come or gone since the controls showed them.
        std::vector<session::LaneRequest> lanes = m_session.lanes();
        for (session::LaneRequest& lane : lanes) {
          const auto found = std::ranges::find(chosen, lane.colorIndex, &session::LaneRequest::colorIndex);
          if (found != chosen.end() && found->source == lane.source) lane.options = found->options;
        }
        m_selection.setPosition(std::nullopt);
        m_messages->dismiss();
        setLanes(lanes);
        m_session.play();
      });
  connect(m_controls, &LaneControls::fillChosen, this, &MainWindow::setFill);
  connect(m_controls, &LaneControls::kernelsRequested, this, &MainWindow::compareKernels);
  VerdictStrip& strip = m_lower->strip();
  connect(&strip, &VerdictStrip::goThere, this, &MainWindow::goThere);
  connect(&strip, &VerdictStrip::goBack, this, &MainWindow::goBack);
  connect(&strip, &VerdictStrip::stopFilling, &m_session, &session::SessionHost::stopFilling);
  connect(&strip, &VerdictStrip::measureCeilings, &m_session, &session::SessionHost::measureCeilings);
  connect(m_lower, &LowerPanel::viewChanged, this,
          [this](LowerView view) { showLowerView(static_cast<int>(view)); });
}

void MainWindow::setFill(int positions) {
  if (!lanesStand()) return;
  std::vector<session::LaneRequest> lanes = m_lanes;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const int own = m_store.lane(static_cast<int>(lane)).info().config.contextLength;
    if (heldBy(lanes[lane], own) <= positions) lanes[lane].options.contextLength = contextFor(positions, own);
  }
  m_selection.setPosition(std::nullopt);
  m_messages->dismiss();
  if (lanes != m_lanes) setLanes(lanes);
  m_session.setFill(positions);
  m_session.play();
}

void MainWindow::goThere() {
  const std::optional<analysis::OperatingPoint> point = m_lower->strip().destination();
  if (!point || !lanesStand()) return;
  if (!m_return) m_return = Place{m_lanes, m_session.state().fill};
  goTo(*point);
  m_lower->strip().setReturn("where you came from (Ctrl+Shift+G)");
}

void MainWindow::goTo(const analysis::OperatingPoint& point) {
  std::vector<session::LaneRequest> lanes = m_lanes;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const int own = m_store.lane(static_cast<int>(lane)).info().config.contextLength;
    lanes[lane].options.batch = point.batch;
    lanes[lane].options.contextLength = contextFor(point.positions, own);
  }
  m_selection.setPosition(std::nullopt);
  m_messages->dismiss();
  setLanes(lanes);
  m_session.setFill(point.positions);
  m_session.play();
}

void MainWindow::goBack() {
  if (!m_return) return;
  const Place place = *m_return;
  m_return.reset();
  m_lower->strip().setReturn(std::nullopt);
  m_selection.setPosition(std::nullopt);
  m_messages->dismiss();
  setLanes(place.lanes);
  m_session.setFill(place.fill);
  m_session.play();
}

void MainWindow::compareKernels(int lane) {
  const int known = std::min(static_cast<int>(m_lanes.size()), m_store.laneCount());
  if (known == 0 || lane >= known || !lanesStand()) return;
  const auto groupSize = [&](int index) { return m_store.lane(index).info().config.attention.groupSize(); };
  if (lane < 0) {
    // With as many KV heads as query heads both kernels load each key once: there is nothing to see.
    lane = 0;
    for (int other = 1; other < known; ++other) {
      if (groupSize(other) > groupSize(lane)) lane = other;
    }
  }
  if (groupSize(lane) == 1) {
    showMessage(
        {session::Severity::Passing,
         m_store.lane(lane).info().title +
             " has a KV head for every query head, so both kernels load each key once: open a lane with "
             "GQA or MQA to see them differ."});
  }
  if (!m_return) m_return = Place{m_lanes, m_session.state().fill};
  session::LaneRequest shared = m_lanes[static_cast<std::size_t>(lane)];
  shared.options.attention = model::AttentionKernel::Shared;
  session::LaneRequest naive = shared;
  naive.options.attention = model::AttentionKernel::Naive;
  naive.colorIndex = (shared.colorIndex + 1) % session::kMaximumLanes;
  m_selection.setPosition(std::nullopt);
  setLanes({shared, naive});
  m_session.play();
  m_lower->strip().setReturn("the lanes from before (Ctrl+Shift+G)");
}

void MainWindow::showLowerView(int view) {
  const auto index = static_cast<std::size_t>(view);
  // Roofline and weights need more height than the charts, which are looked at beside the lanes.
  const QList<int> sizes = m_splitter->sizes();
  const int whole = sizes[0] + sizes[1];
  m_lowerHeights[static_cast<std::size_t>(m_lowerView)] = sizes[1];
  m_lowerView = view;
  int& wanted = m_lowerHeights[index];
  if (wanted == 0) {
    wanted = view == 0 ? std::clamp(whole * 22 / 100, 150, 220) : std::clamp(whole * 44 / 100, 200, 420);
    // The heads stay to be seen.
    wanted = std::min(wanted, std::max(150, whole - kHeightOfHeads));
  }
  m_splitter->setSizes({whole - wanted, wanted});
}

void MainWindow::noteUntrained() {
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const session::LaneInfo& info = m_store.lane(lane).info();
    if (info.contextLength <= info.config.contextLength) continue;
    const auto digits = [](int value) { return analysis::groupDigits(static_cast<std::uint64_t>(value)); };
    showMessage({session::Severity::Note,
                 info.title + " was trained for " + digits(info.config.contextLength) +
                     " positions. Beyond them the text makes no sense, but times and bytes are true."});
    return;
  }
}

}  // namespace headroom::pages
