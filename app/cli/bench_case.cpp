#include "app/cli/bench_case.h"

#include <algorithm>
#include <utility>

#include "core/model/statistics.h"

namespace headroom::cli {

namespace {
using analysis::StepSummary;

template <typename Value>
Spread spreadOver(const std::vector<StepSummary>& rounds, const Value& value) {
  std::vector<double> values;
  for (const StepSummary& round : rounds) values.push_back(value(round));
  return model::spreadOf(std::move(values));
}

double wallMs(const StepSummary& round) {
  return round.perStep(round.wallTimeMs);
}
}  // namespace

Spread BenchRow::stepMs() const {
  return spreadOver(rounds, wallMs);
}

Spread BenchRow::tokensPerSecond() const {
  return spreadOver(rounds, [&](const StepSummary& round) {
    return analysis::tokensPerSecond(round.stepCount, setting.batch, round.wallTimeMs);
  });
}

double BenchRow::overheadMs() const {
  return spreadOver(rounds, [](const StepSummary& round) { return round.perStep(round.overhead.totalMs()); })
      .median;
}

std::array<double, model::kStageCount> BenchRow::stageMs() const {
  std::array<double, model::kStageCount> medians{};
  for (std::size_t stage = 0; stage < medians.size(); ++stage) {
    medians[stage] = spreadOver(rounds, [&](const StepSummary& round) {
                       return round.perStep(round.stageTimeMs[stage]);
                     }).median;
  }
  return medians;
}

double BenchRow::impliedGBps() const {
  return analysis::impliedGigabytesPerSecond(logical, stepMs().median);
}

double BenchRow::kvReuse() const {
  return analysis::kvReuseFactor(issued, logical);
}

double BenchRow::percentOfCopy() const {
  return analysis::percentOf(impliedGBps(), copyGBps);
}

Spread speedup(const BenchRow& baseline, const BenchRow& row) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < std::min(baseline.rounds.size(), row.rounds.size()); ++round) {
    ratios.push_back(wallMs(baseline.rounds[round]) / wallMs(row.rounds[round]));
  }
  return model::spreadOf(std::move(ratios));
}

}  // namespace headroom::cli
