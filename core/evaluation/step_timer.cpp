#include "core/evaluation/step_timer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/model/clock.h"
#include "core/model/error.h"

namespace headroom::evaluation {

namespace {
constexpr int kFewestSteps = 3;
constexpr int kTimedPart = 4;  ///< of the steps of a round as many as are enough for the times of stages
}  // namespace

StepTimer::StepTimer(lanes::LaneEngine engine, const Options& options)
    : m_options(options),
      m_request{.capture = options.capture},
      m_lane({},
             [this](int, int, int) {
               return lanes::LaneSet::Block{1, m_request};
             },
             {.stepDone = [this](lanes::LaneStep step) { m_last = std::move(step.record); },
              .laneStopped = {}}) {
  std::vector<lanes::LaneSet::Place> places(1);
  places.front().engine = std::move(engine);
  m_lane.arrange(std::move(places), [](int) { return std::vector{kFirstToken}; });
  m_lane.fillBlock();
  if (m_lane.lane(0).error) std::rethrow_exception(m_lane.lane(0).error);
  if (options.ahead && !decoder().decodesAhead()) {
    throw model::Error(
        "The kernels of the family \"packed\" cannot decode ahead, expected those of the family \"rows\"");
  }
}

const model::StepRecord& StepTimer::feed(int token) {
  m_lane.feed(0, std::span(&token, 1));
  if (m_lane.lane(0).error) std::rethrow_exception(m_lane.lane(0).error);
  return m_last;
}

void StepTimer::warmUp(const StopRequest& stop) {
  if (m_options.positions > 0) decoder().fillCache(m_options.positions, m_options.seed);
  m_lane.rewind(0, m_options.positions);
  const model::StepRequest before = std::exchange(m_request, stepRequest(true));
  feed(tokenAt(decoder().position()));  // the commands of such steps are others
  m_request = stepRequest(false);
  double spent = 0.0;
  int steps = 0;
  for (; steps == 0 || (spent < m_options.warmUpMs && !stop()); ++steps) {
    // The position goes back when the cache would run full.
    if (decoder().position() >= m_options.positions + kMostSteps) m_lane.rewind(0, m_options.positions);
    spent += feed(tokenAt(decoder().position())).wallTimeMs;
  }
  m_request = before;
  if (m_options.ahead) ahead(kFewestSteps);  // makes its commands
  m_steps =
      std::clamp(static_cast<int>(std::lround(m_options.roundMs * steps / spent)), kFewestSteps, kMostSteps);
}

std::optional<double> StepTimer::steps(int count, const model::StepRequest& request, const StopRequest& stop,
                                       const Observer& observe) {
  m_lane.rewind(0, m_options.positions);
  const model::StepRequest before = std::exchange(m_request, request);
  double milliseconds = 0.0;
  int done = 0;
  for (; done < count && !stop(); ++done) {
    const model::StepRecord& record = feed(tokenAt(done));
    milliseconds += record.wallTimeMs / count;
    if (observe) observe(record);
  }
  m_request = before;
  return done == count ? std::optional(milliseconds) : std::nullopt;
}

double StepTimer::ahead(int count) {
  m_lane.rewind(0, m_options.positions);
  const auto start = model::Clock::now();
  const auto decoded = std::ssize(decoder().decodeAhead(tokenAt(0), count));
  const double spent = model::millisecondsSince(start);
  if (decoded < count) {
    throw model::Error(
        fmt::format("{} of {} steps had logits that are numbers; nothing is measured of a wrong "
                    "result",
                    decoded, count));
  }
  return spent / count;
}

std::optional<double> StepTimer::round(const StopRequest& stop, const Observer& observe) {
  if (m_options.ahead) {
    if (stop()) return {};
    const double milliseconds = ahead(m_steps);
    model::StepRecord record;
    record.wallTimeMs = milliseconds;
    for (int step = 0; step < m_steps && observe; ++step) observe(record);
    return milliseconds;
  }
  return steps(m_steps, stepRequest(false), stop, observe);
}

bool StepTimer::timeStages(const StopRequest& stop, const Observer& observe) {
  const int count = std::max(kFewestSteps, m_steps / kTimedPart);
  return steps(count, stepRequest(true), stop, observe).has_value();
}

}  // namespace headroom::evaluation
