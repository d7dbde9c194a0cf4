#include "core/analysis/lane_measurement.h"

#include <algorithm>
#include <functional>
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

/// Far enough back for some steps whose stages were timed, where not each is.
constexpr std::size_t kLookedBack = 2 * kRecentSteps;

using Steps = std::vector<const model::StepRecord*>;

Steps timedOf(std::span<const model::StepRecord> steps) {
  Steps timed;
  for (const model::StepRecord& step : steps.last(std::min(steps.size(), kLookedBack)))
    if (step.gpuTimeMs() > 0.0) timed.push_back(&step);
  if (timed.size() > kRecentSteps) timed.erase(timed.begin(), timed.end() - kRecentSteps);
  return timed;
}

template <typename PartOf>
double medianOf(const Steps& steps, const PartOf& partOf) {
  std::vector<double> times;
  for (const model::StepRecord* step : steps) times.push_back(std::invoke(partOf, *step));
  return model::median(std::move(times));
}

/// Medians of the parts of `steps`, scaled to the step that `lane` has.
void setParts(LaneMeasurement& lane, const Steps& steps) {
  for (std::size_t stage = 0; stage < lane.stageMs.size(); ++stage) {
    lane.stageMs[stage] =
        medianOf(steps, [stage](const model::StepRecord& step) { return stageMilliseconds(step)[stage]; });
  }
  const auto overhead = [&](double model::Overhead::*part) {
    return medianOf(steps, [part](const model::StepRecord& step) { return step.overhead.*part; });
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
                            std::span<const model::StepRecord> decodeSteps,
                            std::span<const model::StepRecord> earlier) {
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
  const Steps timed = timedOf(earlier.empty() ? decodeSteps : earlier);
  lane.timedCount = static_cast<int>(timed.size());
  if (!timed.empty()) {
    lane.timedStepMs = medianOf(timed, &model::StepRecord::wallTimeMs);
    setParts(lane, timed);
  } else {
    Steps all;
    for (const model::StepRecord& step : recent) all.push_back(&step);
    setParts(lane, all);
  }
  return lane;
}

}  // namespace headroom::analysis
