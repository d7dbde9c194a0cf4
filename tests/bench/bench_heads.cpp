// What looking into heads costs a decode step: one head taken away, attention of one layer or of all read
// back, and scores of all heads summed from it. A bundled model behind 1,000 positions unless others are
// asked for; subjects take turns, ratios are of rounds side by side. Run by hand:
//   bench_heads [MODEL [POSITIONS]]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/analysis/head_scores.h"
#include "core/evaluation/step_timer.h"
#include "core/lanes/device_lanes.h"
#include "core/model/clock.h"
#include "core/model/statistics.h"

using namespace headroom;

namespace {

constexpr int kRounds = 151;

struct Subject {
  const char* name;
  std::unique_ptr<evaluation::StepTimer> timer;
  bool sumsScores = false;
  std::vector<double> stepMs = {};
};

}  // namespace

int main(int argc, char** argv) {
  const std::string source = argc > 1 ? argv[1] : "mha";
  const int positions = argc > 2 ? std::max(1, std::atoi(argv[2])) : 1000;
  lanes::DeviceLanes opener;
  const auto subject = [&](const char* name, const model::Capture& capture,
                           std::vector<model::HeadChange> changes = {}, bool sumsScores = false) {
    lanes::LaneRequest request{source, 0, {}};
    request.options.contextLength = positions + evaluation::StepTimer::kMostSteps;
    request.options.changes = std::move(changes);
    return Subject{name,
                   std::make_unique<evaluation::StepTimer>(
                       opener.open(request, [](double) {}),
                       evaluation::StepTimer::Options{.positions = positions, .capture = capture}),
                   sumsScores};
  };
  std::vector<Subject> subjects;
  subjects.push_back(subject("nothing looked at", model::Capture::none()));
  subjects.push_back(subject("the same again", model::Capture::none()));
  subjects.push_back(subject("without L0H0", model::Capture::none(), {{0, 0}}));
  subjects.push_back(subject("attention of one layer", {.layers = {0}}));
  subjects.push_back(subject("attention of all layers", model::Capture::everything()));
  subjects.push_back(subject("scores of all heads", model::Capture::everything(), {}, true));

  const model::ModelConfig config = subjects.front().timer->decoder().config();
  const std::vector<int> text(static_cast<std::size_t>(positions + evaluation::StepTimer::kMostSteps), 1);
  const auto never = [] { return false; };
  for (Subject& one : subjects) one.timer->warmUp(never);
  for (int round = 0; round < kRounds; ++round) {
    for (Subject& one : subjects) {
      analysis::HeadScoreSums sums(config.layerCount, config.attention.queryHeadCount);
      double summing = 0.0;
      int steps = 0;
      const double step = one.timer
                              ->round(never,
                                      [&](const model::StepRecord& record) {
                                        ++steps;
                                        if (!one.sumsScores) return;
                                        const auto start = model::Clock::now();
                                        sums.add(record.attention, text);
                                        summing += model::millisecondsSince(start);
                                      })
                              .value();
      one.stepMs.push_back(step + summing / std::max(1, steps));
    }
  }
  fmt::print("{} behind {} positions on {}: {} rounds by turns\n", source, positions,
             subjects.front().timer->decoder().deviceName(), kRounds);
  for (const Subject& one : subjects) {
    std::vector<double> ratios;
    for (std::size_t round = 0; round < one.stepMs.size(); ++round)
      ratios.push_back(one.stepMs[round] / subjects.front().stepMs[round]);
    const model::Spread ratio = model::spreadOf(ratios);
    fmt::print("{:<26}{:8.3f} ms a step, {:.3f} of nothing looked at ({:.3f} - {:.3f})\n", one.name,
               model::spreadOf(one.stepMs).median, ratio.median, ratio.minimum, ratio.maximum);
  }
}
