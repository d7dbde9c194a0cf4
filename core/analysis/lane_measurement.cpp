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
  const model::StepRecord& typical = *std::ranges::find(recent, lane.stepMs, &model::StepRecord::wallTimeMs);
  lane.stageMs = stageMilliseconds(typical);
  lane.overhead = typical.overhead;
  return lane;
}

}  // namespace headroom::analysis
