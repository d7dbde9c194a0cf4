#pragma once

#include <deque>
#include <mutex>
#include <utility>

#include "app/session/lane.h"

namespace headroom::session {

/// Hands what holds attention rows from the worker to the GUI thread without a copy. Every put() is followed
/// by a queued signal, and every such signal by one take(), so that order and signals stay together.
template <typename Result>
class ResultBox {
 public:
  void put(Result result) {
    const std::scoped_lock lock(m_mutex);
    m_waiting.push_back(std::move(result));
  }
  /// The oldest; there must be one.
  Result take() {
    const std::scoped_lock lock(m_mutex);
    Result result = std::move(m_waiting.front());
    m_waiting.pop_front();
    return result;
  }

 private:
  std::mutex m_mutex;
  std::deque<Result> m_waiting;
};

/// What crosses to the GUI thread that way.
struct Results {
  ResultBox<StepBatch> steps;
  ResultBox<ReplayedRows> rows;
};

}  // namespace headroom::session
