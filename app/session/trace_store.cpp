#include "app/session/trace_store.h"

#include <algorithm>
#include <utility>

#include "core/analysis/divergence.h"

namespace headroom::session {

TraceStore::TraceStore(std::uint64_t budget, QObject* parent) : QObject(parent), m_budget(budget) {}

std::string TraceStore::deviceName() const {
  for (int lane = 0; lane < laneCount(); ++lane) {
    if (this->lane(lane).info().isOnDevice) return this->lane(lane).info().deviceName;
  }
  return laneCount() > 0 ? lane(0).info().deviceName : std::string();
}

int TraceStore::length() const {
  int longest = 0;
  for (const LaneTrace& lane : m_lanes) longest = std::max(longest, lane.length());
  return longest;
}

int TraceStore::contextLength() const {
  int largest = 0;
  for (const LaneTrace& lane : m_lanes) largest = std::max(largest, lane.info().contextLength);
  return largest;
}

std::optional<int> TraceStore::divergence(int lane) const {
  const auto read = [&](int index) {
    const LaneTrace& trace = this->lane(index);
    return analysis::ReadText{trace.tokens(), trace.promptLength(), trace.firstDisagreement()};
  };
  return analysis::divergence(m_feed == TokenFeed::Lockstep, read(0), read(lane));
}

bool TraceStore::marksOtherChoices() const {
  if (m_feed == TokenFeed::Lockstep && laneCount() > 1) return true;
  return std::ranges::any_of(m_lanes,
                             [](const LaneTrace& lane) { return lane.firstDisagreement().has_value(); });
}

void TraceStore::setLanes(std::uint64_t run, const std::vector<LaneInfo>& lanes,
                          const std::vector<LaneOrigin>& origins) {
  m_run = run;
  m_origins = origins;
  std::vector<LaneTrace> traces;
  for (std::size_t index = 0; index < lanes.size(); ++index) {
    const LaneOrigin& origin = origins[index];
    if (origin.asItIs) {
      traces.push_back(std::move(m_lanes[static_cast<std::size_t>(origin.lane)]));
      traces.back().describe(lanes[index]);
    } else {
      traces.emplace_back(lanes[index]);
    }
  }
  m_lanes = std::move(traces);
  emit lanesChanged();
  emit changed();
}

void TraceStore::restart(std::uint64_t run) {
  m_run = run;
  for (LaneTrace& lane : m_lanes) lane.clear();
  emit changed();
}

void TraceStore::append(StepBatch batch) {
  if (batch.run != m_run) return;
  for (LaneStep& step : batch.steps) {
    LaneTrace& lane = m_lanes[static_cast<std::size_t>(step.lane)];
    lane.append(std::move(step));
    keepBudget();
  }
  emit changed();
}

std::uint64_t TraceStore::heldBytes() const {
  std::uint64_t sum = 0;
  for (const LaneTrace& lane : m_lanes) sum += lane.heldBytes();
  return sum;
}

void TraceStore::setBudget(std::uint64_t bytes) {
  m_budget = bytes;
  keepBudget();
  emit changed();
}

void TraceStore::keepBudget() {
  while (heldBytes() > m_budget) {
    LaneTrace* largest = nullptr;
    for (LaneTrace& lane : m_lanes) {
      if (lane.canThin() && (!largest || lane.heldBytes() > largest->heldBytes())) largest = &lane;
    }
    if (!largest) return;
    largest->thin();
  }
}

void TraceStore::setFeed(TokenFeed feed) {
  if (feed == m_feed) return;
  m_feed = feed;
  emit changed();
}

void TraceStore::addReplayed(ReplayedRows rows) {
  if (rows.run != m_run || rows.lane >= laneCount()) return;
  m_lanes[static_cast<std::size_t>(rows.lane)].addReplayed(std::move(rows.blocks));
  keepBudget();
  emit changed();
}

void TraceStore::setSpeedMap(const analysis::SpeedMap& map) {
  if (!map.isComplete && analysis::hasLines(m_speedMap) && !analysis::hasLines(map)) return;
  m_speedMap = map;
  m_speedMapIsEarlier = false;
  emit changed();
}

void TraceStore::setMeasuring(bool underWay) {
  if (underWay == m_isMeasuring) return;
  m_isMeasuring = underWay;
  m_speedMapIsEarlier = underWay && !m_speedMap.curves.empty();
  emit changed();
}

void TraceStore::setCeilings(const model::DeviceCeilings& ceilings) {
  m_ceilings = ceilings;
  emit changed();
}

}  // namespace headroom::session
