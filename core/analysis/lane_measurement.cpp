#include "core/analysis/lane_measurement.h"

#include <algorithm>

namespace headroom::analysis {

namespace {

constexpr std::size_t kMostSamples = 1024;

double attentionMs(const model::StepRecord& record) {
  double sum = 0.0;
  for (const model::StageRecord& stage : record.stages) {
    if (stage.stage == model::Stage::AttentionDecode) sum += stage.gpuTimeMs;
  }
  return sum > 0.0 ? sum : record.wallTimeMs;
}

}  // namespace

std::uint64_t LaneMeasurement::workingSetBytes() const {
  const auto steps = static_cast<std::uint64_t>(std::max(recent.stepCount, 1));
  return (recent.logical.weightsRead + recent.logical.kvRead) / steps;
}

std::string recentStepsText() {
  return "the last " + std::to_string(LaneMeasurement::kRecentSteps) + " decode steps";
}

LaneMeasurement measureLane(const model::ModelConfig& config, const model::DecoderOptions& options,
                            std::span<const model::StepRecord> decodeSteps) {
  LaneMeasurement lane{.config = config, .options = options, .recent = {}, .positions = 0.0, .attention = {}};
  const std::size_t count = decodeSteps.size();
  const std::size_t stride = count / kMostSamples + 1;
  for (std::size_t index = 0; index < count; index += stride) {
    lane.attention.push_back({decodeSteps[index].position + 1.0, attentionMs(decodeSteps[index])});
  }
  const auto recent = std::min<std::size_t>(count, LaneMeasurement::kRecentSteps);
  for (const model::StepRecord& record : decodeSteps.last(recent)) {
    lane.recent.add(record);
    lane.positions += (record.position + 1.0) / static_cast<double>(recent);
  }
  return lane;
}

}  // namespace headroom::analysis
