#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/lanes/lane_set.h"
#include "core/lanes/prompt.h"
#include "tests/lanes/fake_lanes.h"

namespace headroom::test {

inline const std::vector<int> kPrompt{10, 11, 12, 13, 14};

/// Lanes with what they told.
struct Lanes {
  FakeLaneOpener opener;
  std::vector<lanes::LaneStep> steps;
  std::vector<int> stopped;
  lanes::LaneSet set;

  explicit Lanes(lanes::LaneSet::Options options = {})
      : set(options, [](int, int, int count) { return lanes::LaneSet::Block{count}; },
            {.stepDone = [this](lanes::LaneStep step) { steps.push_back(std::move(step)); },
             .laneStopped = [this](int lane) { stopped.push_back(lane); }}) {}

  lanes::LaneEngine open(const std::string& source, const lanes::LaneOptions& options = {}) {
    return opener.open({source, 0, options}, [](double) {});
  }
  /// Old lanes by number, new ones by name.
  void arrange(const std::vector<std::pair<int, std::string>>& wanted) {
    std::vector<lanes::LaneSet::Place> places;
    for (const auto& [from, source] : wanted) {
      lanes::LaneSet::Place place{.from = from, .engine = std::nullopt};
      if (!source.empty()) place.engine = open(source);
      places.push_back(std::move(place));
    }
    set.arrange(std::move(places), prompts());
    fill();
  }
  lanes::LaneSet::PromptOf prompts() {
    return [this](int lane) {
      return set.lane(lane).engine.script.empty() ? kPrompt : lanes::promptTokens({}, set.lane(lane).engine);
    };
  }
  void fill() {
    while (set.filling()) set.fillBlock();
  }
  void decode(int steps_) {
    for (int i = 0; i < steps_; ++i) set.step();
  }
  const std::vector<int>& text(int lane) { return set.lane(lane).text; }
  /// Tokens that the lane's decoder was fed since the last call.
  int runTokens(int lane) {
    int count = 0;
    for (const lanes::LaneStep& step : steps) {
      if (step.lane == lane) count += static_cast<int>(step.record.tokens.size());
    }
    return count;
  }
};

inline lanes::LaneSet::Options sampled() {
  return {.sampling = {.temperature = 2.0f, .seed = 7}};
}

}  // namespace headroom::test
