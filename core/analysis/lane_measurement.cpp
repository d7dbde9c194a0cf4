#include "core/analysis/lane_measurement.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/model/statistics.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

double LaneMeasurement::stagesMs() const {
  return std::accumulate(stageMs.begin(), stageMs.end(), 0.0);
}

int LaneMeasurement::dispatchCount() const {
  return std::accumulate(stageDispatchCount.begin(), stageDispatchCount.end(), 0);
}

double LaneMeasurement::kvShareOfReads() const {
  const model::Traffic shown = countedOrLogical(issued, logical);
  const std::uint64_t read = bytesRead(shown);
  return read > 0 ? static_cast<double>(shown.kvRead) / static_cast<double>(read) : 0.0;
}

std::string recentStepsText(int count) {
  return text::inWords<model::SentenceId::RecentSteps>(std::to_string(count));
}

std::string recentStepsText() {
  return text::inWords<model::SentenceId::RecentStepsAtMost>(std::to_string(kRecentSteps));
}

namespace {

/// Medians of the parts of `steps`, scaled to the step that `lane` has.
void setParts(LaneMeasurement& lane, std::span<const model::StepRecord> steps) {
  const auto medianOf = [&](const auto& partOf) {
    std::vector<double> times;
    for (const model::StepRecord& step : steps) times.push_back(partOf(step));
    return model::median(std::move(times));
  };
  for (std::size_t stage = 0; stage < lane.stageMs.size(); ++stage) {
    lane.stageMs[stage] =
        medianOf([stage](const model::StepRecord& step) { return stageMilliseconds(step)[stage]; });
  }
  const auto overhead = [&](double model::Overhead::* part) {
    return medianOf([part](const model::StepRecord& step) { return step.overhead.*part; });
  };
  lane.overhead = {.prepareMs = overhead(&model::Overhead::prepareMs),
                   .setupMs = overhead(&model::Overhead::setupMs),
                   .submitMs = overhead(&model::Overhead::submitMs),
                   .readBackMs = overhead(&model::Overhead::readBackMs)};
  const double sum = lane.stagesMs() + lane.overhead.totalMs();
  if (sum <= 0.0) return;
  const double factor = lane.stepMs / sum;
  for (double& ms : lane.stageMs) ms *= factor;
  lane.overhead.prepareMs *= factor;
  lane.overhead.setupMs *= factor;
  lane.overhead.submitMs *= factor;
  lane.overhead.readBackMs *= factor;
}

}  // namespace

LaneMeasurement measureLane(const model::ModelConfig& config, const model::DecoderOptions& options,
                            std::span<const model::StepRecord> decodeSteps) {
  LaneMeasurement lane{.config = config, .options = options};
  const auto recent = decodeSteps.last(std::min<std::size_t>(decodeSteps.size(), kRecentSteps));
  if (recent.empty()) return lane;
  const model::StepRecord& newest = recent.back();
  lane.stepCount = static_cast<int>(recent.size());
  lane.positions = newest.position + 1.0;
  lane.issued = newest.issued();
  lane.logical = newest.logical();
  for (const model::StageRecord& stage : newest.stages) {
    const auto at = static_cast<std::size_t>(stage.stage);
    lane.stageIssuedBytes[at] += stage.issued.total();
    lane.stageLogicalBytes[at] += stage.logical.total();
    lane.stageDispatchCount[at] += stage.dispatchCount;
  }
  std::vector<double> times;
  for (const model::StepRecord& record : recent) times.push_back(record.wallTimeMs);
  lane.stepMs = model::lowerMedian(std::move(times));
  setParts(lane, recent);
  return lane;
}

}  // namespace headroom::analysis
