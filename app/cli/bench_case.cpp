#include "app/cli/bench_case.h"

#include <span>
#include <utility>

#include "core/analysis/speed_map.h"
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
}  // namespace

std::vector<double> BenchRow::roundMs() const {
  std::vector<double> times;
  for (const StepSummary& round : rounds) times.push_back(round.perStep(round.wallTimeMs));
  return times;
}

Spread BenchRow::stepMs() const {
  return model::spreadOf(roundMs());
}

Spread BenchRow::tokensPerSecond() const {
  return spreadOver(rounds, [&](const StepSummary& round) {
    return analysis::tokensPerSecond(round.stepCount, setting.batch, round.wallTimeMs);
  });
}

void BenchRow::measure(const model::ModelConfig& config, const model::DecoderOptions& options,
                       const model::StepRecord& atContext) {
  measurement = analysis::measureLane(config, options, std::span(&atContext, 1));
  const auto medianOf = [&](const auto& sum) {
    return spreadOver(timed, [&](const StepSummary& round) { return round.perStep(sum(round)); }).median;
  };
  measurement.stepCount = steps * static_cast<int>(rounds.size());
  measurement.stepMs = stepMs().median;
  for (std::size_t stage = 0; stage < measurement.stageMs.size(); ++stage) {
    measurement.stageMs[stage] = medianOf([&](const StepSummary& round) { return round.stageTimeMs[stage]; });
  }
  measurement.overhead = {
      .prepareMs = medianOf([](const StepSummary& round) { return round.overhead.prepareMs; }),
      .setupMs = medianOf([](const StepSummary& round) { return round.overhead.setupMs; }),
      .submitMs = medianOf([](const StepSummary& round) { return round.overhead.submitMs; }),
      .readBackMs = medianOf([](const StepSummary& round) { return round.overhead.readBackMs; })};
}

analysis::LaneMeasurement BenchRow::timedMeasurement() const {
  analysis::LaneMeasurement withStamps = measurement;
  withStamps.stepMs =
      spreadOver(timed, [](const StepSummary& round) { return round.perStep(round.wallTimeMs); }).median;
  return withStamps;
}

double BenchRow::percentOfRead() const {
  return analysis::percentOf(measurement.impliedGBps(), readGBps);
}

Spread speedup(const BenchRow& baseline, const BenchRow& row) {
  return analysis::speedupOfRounds(baseline.roundMs(), row.roundMs());
}

}  // namespace headroom::cli
