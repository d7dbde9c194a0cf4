#include "app/cli/bench_case.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/model/statistics.h"

namespace headroom::cli {

Spread spreadOf(std::vector<double> values) {
  const auto [minimum, maximum] = std::ranges::minmax(values);
  return {.median = model::median(std::move(values)), .minimum = minimum, .maximum = maximum};
}

namespace {
template <typename Value>
Spread spreadOver(const std::vector<BenchRound>& rounds, const Value& value) {
  std::vector<double> values;
  for (const BenchRound& round : rounds) values.push_back(value(round));
  return spreadOf(std::move(values));
}
}  // namespace

Spread BenchRow::stepMs() const {
  return spreadOver(rounds, [](const BenchRound& round) { return round.stepMs; });
}

Spread BenchRow::tokensPerSecond() const {
  return spreadOver(rounds, [&](const BenchRound& round) { return 1000.0 * setting.batch / round.stepMs; });
}

double BenchRow::overheadMs() const {
  return spreadOver(rounds, [](const BenchRound& round) { return round.overheadMs; }).median;
}

std::array<double, model::kStageCount> BenchRow::stageMs() const {
  std::array<double, model::kStageCount> medians{};
  for (std::size_t stage = 0; stage < medians.size(); ++stage) {
    medians[stage] = spreadOver(rounds, [&](const BenchRound& round) { return round.stageMs[stage]; }).median;
  }
  return medians;
}

double BenchRow::impliedGBps() const {
  // A device without time stamps has only the wall time.
  const Spread stages = spreadOver(rounds, [](const BenchRound& round) {
    const double sum = std::accumulate(round.stageMs.begin(), round.stageMs.end(), 0.0);
    return sum > 0.0 ? sum : round.stepMs;
  });
  return static_cast<double>(logical.total()) / stages.median * 1e-6;
}

double BenchRow::kvReuse() const {
  return static_cast<double>(issued.kvRead) / static_cast<double>(std::max<std::uint64_t>(logical.kvRead, 1));
}

Spread speedup(const BenchRow& baseline, const BenchRow& row) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < std::min(baseline.rounds.size(), row.rounds.size()); ++round) {
    ratios.push_back(baseline.rounds[round].stepMs / row.rounds[round].stepMs);
  }
  return spreadOf(std::move(ratios));
}

}  // namespace headroom::cli
