#pragma once

#include <QObject>
#include <QTimer>
#include <optional>
#include <vector>

#include "app/session/selection.h"
#include "app/session/trace_store.h"
#include "core/analysis/verdict.h"

namespace headroom::session {

/// What is said of time, the same everywhere: headline, figures and the verdict's sentence take their numbers
/// from here, and all change together, seldom enough to be read.
class SpeedBoard : public QObject {
  Q_OBJECT

 public:
  static constexpr int kIntervalMs = 600;

  SpeedBoard(const TraceStore& store, const Selection& selection, QObject* parent = nullptr);

  int laneCount() const { return static_cast<int>(m_lanes.size()); }
  /// Of the steps up to the one looked at.
  const analysis::LaneMeasurement& measurement(int lane) const {
    return m_lanes[static_cast<std::size_t>(lane)].measurement;
  }
  const analysis::Verdict& verdict() const { return m_verdict; }
  /// The verdict in words; empty without lanes.
  std::string sentence() const;
  /// Takes what is there now.
  void refresh();

 signals:
  void changed();

 private:
  void request();

  const TraceStore& m_store;
  const Selection& m_selection;
  std::vector<analysis::JudgedLane> m_lanes;
  analysis::Verdict m_verdict;
  std::uint64_t m_run = 0;
  std::optional<int> m_lookedAt;
  QTimer m_timer;
};

}  // namespace headroom::session
