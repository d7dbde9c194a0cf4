#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "app/cli/bench_case.h"
#include "core/lanes/device_lanes.h"
#include "core/model/device_ceilings.h"

namespace headroom::cli {

struct BenchOptions {
  int rounds = 7;           ///< of every row, interleaved
  double roundMs = 200.0;   ///< decode steps are repeated until a round takes about that long
  double warmUpMs = 300.0;  ///< decoded and thrown away before the rounds
  unsigned seed = 1;        ///< of the order of rows within a round, the tokens and the filled caches
  model::Capture capture;
  model::LogitsRequest logits = model::LogitsRequest::last();  ///< of a timed step
  bool ahead = false;  ///< the steps of a round follow each other without waiting
  bool audit = false;  ///< compare declared with counted bytes before a row is measured
};

/// Told what is being done, for a progress line.
using BenchProgress = std::function<void(const std::string& what)>;

/// What a run measured; rows in the order of the settings, those without a whole round left out.
struct BenchOutcome {
  std::vector<BenchRow> rows;
  bool isInterrupted = false;
};

/// Measures every setting on the opener's device in one run: each row's logits are checked against the
/// float64 reference first, then all rows are warmed up, then measured in rounds with the rows in shuffled
/// order. Caches are filled with random numbers up to the row's context. Throws model::Error when a model
/// cannot run or its logits are wrong. When the user interrupts it, the rounds that are whole come back.
BenchOutcome runBench(lanes::DeviceLanes& opener, const std::vector<BenchModel>& models,
                      const std::vector<BenchSetting>& settings, const BenchOptions& options,
                      const BenchProgress& progress);

}  // namespace headroom::cli
