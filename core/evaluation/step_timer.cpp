#include "core/evaluation/step_timer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <span>
#include <utility>
#include <vector>

namespace headroom::evaluation {

namespace {
constexpr int kFewestSteps = 3;
}

StepTimer::StepTimer(lanes::LaneEngine engine, const Options& options)
    : m_options(options),
      m_lane({},
             [this](int, int, int) {
               return lanes::LaneSet::Block{1, m_options.capture};
             },
             {.stepDone = [this](lanes::LaneStep step) { m_last = std::move(step.record); },
              .laneStopped = {}}) {
  std::vector<lanes::LaneSet::Place> places(1);
  places.front().engine = std::move(engine);
  m_lane.arrange(std::move(places), [](int) { return std::vector{kFirstToken}; });
  m_lane.fillBlock();
  if (m_lane.lane(0).error) std::rethrow_exception(m_lane.lane(0).error);
}

const model::StepRecord& StepTimer::feed(int token) {
  m_lane.feed(0, std::span(&token, 1));
  if (m_lane.lane(0).error) std::rethrow_exception(m_lane.lane(0).error);
  return m_last;
}

void StepTimer::warmUp(const StopRequest& stop) {
  if (m_options.positions > 0) decoder().fillCache(m_options.positions, m_options.seed);
  m_lane.rewind(0, m_options.positions);
  double spent = 0.0;
  int steps = 0;
  for (; steps == 0 || (spent < m_options.warmUpMs && !stop()); ++steps) {
    // The position goes back when the cache would run full.
    if (decoder().position() >= m_options.positions + kMostSteps) m_lane.rewind(0, m_options.positions);
    spent += feed(tokenAt(decoder().position())).wallTimeMs;
  }
  m_steps =
      std::clamp(static_cast<int>(std::lround(m_options.roundMs * steps / spent)), kFewestSteps, kMostSteps);
}

std::optional<double> StepTimer::round(const StopRequest& stop,
                                       const std::function<void(const model::StepRecord&)>& observe) {
  m_lane.rewind(0, m_options.positions);
  double milliseconds = 0.0;
  for (int step = 0; step < m_steps; ++step) {
    if (stop()) return std::nullopt;
    const model::StepRecord& record = feed(tokenAt(step));
    milliseconds += record.wallTimeMs / m_steps;
    if (observe) observe(record);
  }
  return milliseconds;
}

}  // namespace headroom::evaluation
