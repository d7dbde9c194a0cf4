#include "app/session/speed_board.h"

#include <algorithm>
#include <utility>

#include "core/text/phrases.h"

namespace headroom::session {

SpeedBoard::SpeedBoard(const TraceStore& store, const Selection& selection, QObject* parent)
    : QObject(parent), m_store(store), m_selection(selection), m_timer(this) {
  m_timer.setSingleShot(true);
  connect(&m_timer, &QTimer::timeout, this, &SpeedBoard::refresh);
  connect(&store, &TraceStore::changed, this, &SpeedBoard::request);
  // Other lanes, and another step looked at, are shown at once.
  connect(&store, &TraceStore::lanesChanged, this, &SpeedBoard::refresh);
  connect(&selection, &Selection::changed, this, [this] {
    if (m_selection.position() != m_lookedAt) refresh();
  });
}

void SpeedBoard::request() {
  if (m_store.run() != m_run) {
    // Of a text that was begun anew nothing is said with the numbers of the old one.
    m_timer.stop();
    refresh();
  } else if (!m_timer.isActive()) {
    m_timer.start(kIntervalMs);
  }
}

void SpeedBoard::refresh() {
  const bool sameRun = m_run == m_store.run() && laneCount() == m_store.laneCount();
  m_run = m_store.run();
  m_lookedAt = m_selection.position();
  m_lanes.clear();
  // What a lane did before the last one joined in was measured under other circumstances.
  int since = 0;
  for (int lane = 0; lane < m_store.laneCount(); ++lane)
    since = std::max(since, m_store.lane(lane).turnsFrom());
  for (int lane = 0; lane < m_store.laneCount(); ++lane) {
    const LaneTrace& trace = m_store.lane(lane);
    const int position = m_selection.positionIn(m_store, lane);
    m_lanes.push_back({.title = trace.info().title,
                       .source = trace.info().request.source,
                       .measurement = trace.measured(position, since),
                       .steps = analysis::timedSteps(trace.comparable(position, since))});
  }
  const analysis::SpeedMap& map = m_store.speedMap();
  m_verdict = analysis::judge(m_lanes, map.curves.empty() ? nullptr : &map,
                              sameRun ? &std::as_const(m_verdict) : nullptr);
  emit changed();
}

std::string SpeedBoard::sentence() const {
  return m_lanes.empty() ? std::string() : text::phrases(m_verdict.sentences);
}

}  // namespace headroom::session
