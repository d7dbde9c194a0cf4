#include "app/cli/lane_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/interrupt.h"
#include "core/analysis/divergence.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
void rethrowFailure(const lanes::LaneSet& set) {
  for (int lane = 0; lane < set.laneCount(); ++lane) {
    if (set.lane(lane).error) std::rethrow_exception(set.lane(lane).error);
  }
}

[[noreturn]] void giveUp(lanes::LaneSet& set, int done, int total) {
  set.stopAll(lanes::StopReason::Interrupted);
  throw model::Cancelled(fmt::format("Interrupted after {} of {} tokens", done, total));
}
}  // namespace

void LaneRun::keep(lanes::LaneStep step) {
  if (recorder) recorder->keep(step.record);
  // Rows that no recorder keeps were read back, as their cost is to be measured.
  step.record.attention = {};
  if (step.isFilling) {
    prefill.push_back(std::move(step.record));
  } else {
    if (!disagreement && analysis::isOtherChoice(choice, step.record.tokens.front()))
      disagreement = static_cast<int>(steps.size());
    steps.push_back(std::move(step.record));
  }
  choice = step.choice;
}

void fillTexts(lanes::LaneSet& set) {
  rethrowFailure(set);
  while (set.filling()) {
    const lanes::Filling state = set.fillingState();
    if (interrupted()) giveUp(set, state.reached, state.length);
    set.fillBlock();
    rethrowFailure(set);
  }
}

void runLanes(lanes::LaneSet& set, int maxTokens) {
  fillTexts(set);
  while (!set.finished()) {
    if (interrupted()) {
      std::ptrdiff_t most = 0;
      for (int lane = 0; lane < set.laneCount(); ++lane) {
        most = std::max(most, std::ssize(set.lane(lane).continuation()));
      }
      giveUp(set, static_cast<int>(most), maxTokens);
    }
    set.step();
    rethrowFailure(set);
  }
}

}  // namespace headroom::cli
