// bench_promises: what the verdict promises, and what is there. For pairs of bundled models, cache types,
// batches and stretches of positions, both lanes decode in turns; where judge() promises a speedup at a
// longer context, the caches are filled to it and both are timed there. Prints a line for each operating
// point and how many promises held.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "core/analysis/verdict.h"
#include "core/evaluation/step_timer.h"
#include "core/lanes/device_lanes.h"
#include "core/model/error.h"
#include "core/text/phrases.h"

using namespace headroom;

namespace {

constexpr int kRounds = 9;

struct Setting {
  std::string wide;
  std::string narrow;
  model::KvType kvType = model::KvType::F32;
  int batch = 1;
  int from = 0;  ///< positions that the lanes decode before the verdict
  int to = 0;
};

const auto kNever = [] { return false; };

std::unique_ptr<evaluation::StepTimer> timerOf(lanes::DeviceLanes& opener, const std::string& source,
                                               const Setting& setting, int positions, int contextLength) {
  return std::make_unique<evaluation::StepTimer>(
      opener.open(
          {.source = source,
           .options = {.kvType = setting.kvType, .batch = setting.batch, .contextLength = contextLength}},
          [](double) {}),
      evaluation::StepTimer::Options{.positions = positions});
}

/// What a lane would have recorded: one step at a time, the other lane in between.
std::vector<analysis::JudgedLane> decode(lanes::DeviceLanes& opener, const Setting& setting) {
  std::vector<std::unique_ptr<evaluation::StepTimer>> timers;
  std::vector<std::vector<model::StepRecord>> records(2);
  for (const std::string& source : {setting.wide, setting.narrow}) {
    timers.push_back(timerOf(opener, source, setting, setting.from, 0));
    timers.back()->warmUp(kNever);
    timers.back()->round(kNever);
    timers.back()->decoder().truncate(setting.from);
  }
  for (int position = setting.from; position < setting.to; ++position) {
    for (std::size_t lane = 0; lane < 2; ++lane) {
      const int token = position % timers[lane]->decoder().config().vocabSize;
      records[lane].push_back(
          timers[lane]->decoder().run(std::span(&token, 1), model::Capture::none()).front());
    }
  }
  std::vector<analysis::JudgedLane> judged;
  for (std::size_t lane = 0; lane < 2; ++lane) {
    const model::Decoder& decoder = timers[lane]->decoder();
    judged.push_back(
        {.title = lane == 0 ? setting.wide : setting.narrow,
         .source = lane == 0 ? setting.wide : setting.narrow,
         .measurement = analysis::measureLane(decoder.config(), decoder.options(), records[lane]),
         .steps = analysis::timedSteps(records[lane])});
  }
  return judged;
}

/// The median over rounds in turns of the time of the wide lane over that of the narrow one.
double measureAt(lanes::DeviceLanes& opener, const Setting& setting, const model::ModelConfig& config,
                 int positions) {
  const int context = model::contextToFill(config, positions);
  auto wide = timerOf(opener, setting.wide, setting, positions, context);
  auto narrow = timerOf(opener, setting.narrow, setting, positions, context);
  wide->warmUp(kNever);
  narrow->warmUp(kNever);
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    const double slow = *wide->round(kNever);
    ratios.push_back(slow / *narrow->round(kNever));
  }
  return model::median(std::move(ratios));
}

}  // namespace

int main() {
  try {
    lanes::DeviceLanes opener;
    int points = 0, promised = 0, held = 0;
    for (const auto& [wide, narrow] : {std::pair("mha", "mqa"), std::pair("mha", "gqa")}) {
      for (const model::KvType kvType : {model::KvType::F32, model::KvType::F16}) {
        for (const auto& [batch, from, to] :
             {std::tuple(1, 16, 300), std::tuple(1, 300, 700), std::tuple(1, 800, 1400),
              std::tuple(4, 16, 200), std::tuple(4, 300, 600)}) {
          const Setting setting{wide, narrow, kvType, batch, from, to};
          const std::vector<analysis::JudgedLane> lanes = decode(opener, setting);
          const analysis::Verdict verdict =
              analysis::judge(lanes, nullptr, nullptr, {.maximumPositions = 24000});
          ++points;
          fmt::print("{} {} {} batch {} {}-{}: {}\n", wide, narrow, model::shortName(kvType), batch, from, to,
                     text::phrases(verdict.sentences));
          if (verdict.promise) {
            ++promised;
            const double there =
                measureAt(opener, setting, lanes.front().measurement.config, verdict.promise->at.positions);
            const bool holds =
                there >= verdict.promise->speedup.low && there <= verdict.promise->speedup.high;
            held += holds ? 1 : 0;
            fmt::print("    promised {:.2f} ({:.2f} to {:.2f}), found {:.2f}: {}\n",
                       verdict.promise->speedup.value, verdict.promise->speedup.low,
                       verdict.promise->speedup.high, there, holds ? "holds" : "DOES NOT HOLD");
          }
          std::fflush(stdout);
        }
      }
    }
    fmt::print("{} points, {} promises, {} held\n", points, promised, held);
  } catch (const model::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
