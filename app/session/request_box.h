#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/session/head_study.h"
#include "app/session/inside_study.h"
#include "app/session/lane.h"

namespace headroom::session {

/// What the user wants and the worker has not done yet. A new request of the same kind replaces the one still
/// waiting; single steps add up.
struct Requests {
  std::optional<std::vector<LaneRequest>> lanes;
  std::uint64_t lanesSerial = 0;  ///< of the newest `lanes`; comes back when they are settled
  std::optional<std::string> prompt;
  std::optional<model::SamplingOptions> sampling;
  std::optional<TokenFeed> feed;
  std::optional<WhenTextEnds> whenTextEnds;
  std::optional<Pace> pace;
  std::optional<bool> playing;
  bool otherwise = false;  ///< playing and pausing change places
  std::optional<int> fill;
  std::optional<PromptForm> promptForm;
  std::vector<RowRequest> rows;  ///< one per slot
  bool restart = false;
  bool measureCeilings = false;
  bool measureSpeed = false;
  std::optional<HeadStudy> heads;
  std::optional<LossStudy> losses;
  std::optional<InsideStudy> inside;
  bool stopFilling = false;
  int singleSteps = 0;

  void setPlaying(bool wanted) {
    playing = wanted;
    otherwise = false;
  }
  bool any() const {
    return lanes || prompt || sampling || feed || whenTextEnds || pace || playing || otherwise || fill ||
           promptForm || !rows.empty() || restart || measureCeilings || measureSpeed || heads || losses ||
           inside || stopFilling || singleSteps > 0;
  }
};

/// Hands requests from the GUI thread to the worker.
class RequestBox {
 public:
  /// Calls `change(Requests&)` on the waiting requests.
  template <typename Change>
  void edit(Change change) {
    const std::scoped_lock lock(m_mutex);
    change(m_waiting);
  }

  /// Whether a request is there that the worker did not take yet.
  bool waits() {
    const std::scoped_lock lock(m_mutex);
    return m_waiting.any();
  }

  /// Ends the opening of models under way; read by the worker while it opens.
  void cancelOpening() { m_cancelled = true; }
  void allowOpening() { m_cancelled = false; }
  bool openingCancelled() const { return m_cancelled; }

  /// Ends a sweep under way; likewise.
  void cancelMeasuring() { m_measuringCancelled = true; }
  void allowMeasuring() { m_measuringCancelled = false; }
  bool measuringCancelled() const { return m_measuringCancelled; }

  Requests take() {
    const std::scoped_lock lock(m_mutex);
    return std::exchange(m_waiting, {});
  }

 private:
  std::mutex m_mutex;
  Requests m_waiting;
  std::atomic<bool> m_cancelled = false;
  std::atomic<bool> m_measuringCancelled = false;
};

}  // namespace headroom::session
