#pragma once

#include <QObject>
#include <cstdint>
#include <optional>
#include <vector>

#include "app/session/lane_trace.h"
#include "core/analysis/speed_map.h"
#include "core/model/device_ceilings.h"

namespace headroom::session {

/// The traces of all lanes on the GUI thread: what every view draws from. Fed by a SessionHost's signals.
class TraceStore : public QObject {
  Q_OBJECT

 public:
  /// Bytes that all lanes' steps may hold (LaneTrace::heldBytes); beyond them the lane that holds most is
  /// thinned.
  static constexpr std::uint64_t kDefaultBudget = 1ull << 30;

  explicit TraceStore(std::uint64_t budget = kDefaultBudget, QObject* parent = nullptr);

  std::uint64_t budget() const { return m_budget; }
  /// From now on; what is held beyond it is given up at once.
  void setBudget(std::uint64_t bytes);
  std::uint64_t heldBytes() const;

  int laneCount() const { return static_cast<int>(m_lanes.size()); }
  /// The device that a lane decodes on, where one does: else what recorded a trace, or the reference. Empty
  /// without lanes.
  std::string deviceName() const;
  const LaneTrace& lane(int index) const { return m_lanes[static_cast<std::size_t>(index)]; }
  /// Positions of the longest lane.
  int length() const;
  /// Largest context of all lanes.
  int contextLength() const;
  /// Counts runs: what was cached from another run is stale.
  std::uint64_t run() const { return m_run; }
  TokenFeed feed() const { return m_feed; }
  /// How the lanes relate to those before the last change; [lane].
  const std::vector<LaneOrigin>& origins() const { return m_origins; }

  /// Where the lane first departs from the others: its first disagreement in lockstep, its first token that
  /// is not lane 1's in free run.
  std::optional<int> divergence(int lane) const;
  /// Whether some token may be another than the lane fed with it would have said: in lockstep, and of a text
  /// that was read in lockstep whoever led it, also when that lane is gone.
  bool marksOtherChoices() const;
  /// What the device reaches at most; unknown until it was measured.
  const model::DeviceCeilings& ceilings() const { return m_ceilings; }
  /// What the last sweep measured; without curves until there was one. One that is under way takes the place
  /// of an earlier one once a line can be drawn through each of its curves, and not at all when it is stopped
  /// before.
  const analysis::SpeedMap& speedMap() const { return m_speedMap; }
  /// Whether a newer sweep is under way, which has too little to be shown yet.
  bool speedMapIsEarlier() const { return m_speedMapIsEarlier; }

 public slots:
  /// Lanes that go on as they are keep their traces, the others start anew.
  void setLanes(std::uint64_t run, const std::vector<headroom::session::LaneInfo>& lanes,
                const std::vector<headroom::session::LaneOrigin>& origins);
  void restart(std::uint64_t run);
  void append(headroom::session::StepBatch batch);
  void setFeed(headroom::session::TokenFeed feed);
  void addReplayed(headroom::session::ReplayedRows rows);
  void setCeilings(const headroom::model::DeviceCeilings& ceilings);
  void setSpeedMap(const headroom::analysis::SpeedMap& map);
  void setMeasuring(bool underWay);

 signals:
  /// Other lanes than before.
  void lanesChanged();
  /// Anything a view shows.
  void changed();

 private:
  void keepBudget();

  std::vector<LaneTrace> m_lanes;
  std::vector<LaneOrigin> m_origins;
  model::DeviceCeilings m_ceilings;
  analysis::SpeedMap m_speedMap;
  bool m_isMeasuring = false;
  bool m_speedMapIsEarlier = false;
  std::uint64_t m_budget;
  std::uint64_t m_run = 0;
  TokenFeed m_feed = TokenFeed::Lockstep;
};

}  // namespace headroom::session
