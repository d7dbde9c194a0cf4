#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/evaluation/survey_watch.h"
#include "core/lanes/lane_set.h"

namespace headroom::evaluation {

/// Times decode steps of one lane behind a cache of a given length.
class StepTimer {
 public:
  struct Options {
    int positions = 0;        ///< in the cache before each round, of every sequence
    double warmUpMs = 100.0;  ///< steps before the first round
    double roundMs = 40.0;    ///< as many steps as take about that long make a round
    unsigned seed = 1;        ///< of the cache's random content
    model::Capture capture = model::Capture::none();
    model::LogitsRequest logits = model::LogitsRequest::last();  ///< of steps that are timed
    bool ahead = false;  ///< steps of a round follow each other without waiting, see Decoder::decodeAhead()
  };
  /// Positions that a round may decode behind Options::positions.
  static constexpr int kMostSteps = model::kMostAhead;

  /// What the lane's text begins with: a lane has one.
  static constexpr int kFirstToken = 1;

  /// The engine's context has room for positions + kMostSteps. Throws model::Error where the cache cannot be
  /// filled without a text, and where the decoder cannot decode ahead as asked.
  StepTimer(lanes::LaneEngine engine, const Options& options);
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

  model::Decoder& decoder() { return m_lane.decoder(0); }
  /// What the last step did; that of kFirstToken before any other.
  const model::StepRecord& last() const { return m_last; }
  /// One step of that token, wherever the lane is. Throws what the decoder throws.
  const model::StepRecord& feed(int token);

  /// Steps until they took Options::warmUpMs, which decides how many make a round.
  void warmUp(const StopRequest& stop);
  int stepsPerRound() const { return m_steps; }
  /// Told each step of a round.
  using Observer = std::function<void(const model::StepRecord&)>;
  /// Mean wall time of a step of one round, in ms; nothing when it was stopped. Stages are not timed, which
  /// would take time itself. Of steps that went ahead each is told with that mean as its wall time.
  std::optional<double> round(const StopRequest& stop, const Observer& observe = {});
  /// A few more steps from where a round begins, whose stages are timed; false when it was stopped.
  bool timeStages(const StopRequest& stop, const Observer& observe);

 private:
  /// Of a step of a round, or of one whose stages are timed.
  model::StepRequest stepRequest(bool timesStages) const {
    return {m_options.capture, m_options.logits, timesStages};
  }
  std::optional<double> steps(int count, const model::StepRequest& request, const StopRequest& stop,
                              const Observer& observe);
  /// The tokens of a round, without waiting for each.
  double ahead(int count);
  int tokenAt(int position) { return position % decoder().config().vocabSize; }

  Options m_options;
  model::StepRequest m_request;  ///< of the next step
  model::StepRecord m_last;
  lanes::LaneSet m_lane;
  int m_steps = kMostSteps;
};

}  // namespace headroom::evaluation
