#include "core/analysis/traffic_summary.h"

namespace headroom::analysis {

std::string_view trafficClassName(int trafficClass) {
  constexpr std::array<std::string_view, kTrafficClassCount> kNames{
      "weights read", "KV read", "KV written", "activations read", "activations written", "capture written"};
  return kNames[static_cast<std::size_t>(trafficClass)];
}

std::array<std::uint64_t, kTrafficClassCount> byClass(const model::Traffic& traffic) {
  return {traffic.weightsRead,        traffic.kvRead,        traffic.kvWritten, traffic.activationsRead,
          traffic.activationsWritten, traffic.captureWritten};
}

void StepSummary::add(const model::StepRecord& record) {
  ++stepCount;
  for (const model::StageRecord& stage : record.stages) dispatchCount += stage.dispatchCount;
  issued += record.issued();
  logical += record.logical();
  wallTimeMs += record.wallTimeMs;
  gpuTimeMs += record.gpuTimeMs();
  const auto times = stageMilliseconds(record);
  for (std::size_t stage = 0; stage < times.size(); ++stage) stageTimeMs[stage] += times[stage];
  for (const model::StageRecord& stage : record.stages) {
    stageIssuedBytes[static_cast<std::size_t>(stage.stage)] += stage.issued.total();
    stageLogicalBytes[static_cast<std::size_t>(stage.stage)] += stage.logical.total();
  }
  overhead += record.overhead;
}

std::optional<std::uint64_t> countedBytes(const model::StepRecord& record) {
  const model::Traffic issued = record.issued();
  return isCounted(issued) ? std::optional(issued.total()) : std::nullopt;
}

std::uint64_t bytesRead(const model::Traffic& traffic) {
  return traffic.weightsRead + traffic.kvRead + traffic.activationsRead;
}

StepSummary summarise(std::span<const model::StepRecord> records) {
  StepSummary sum;
  for (const model::StepRecord& record : records) sum.add(record);
  return sum;
}

std::array<double, model::kStageCount> stageMilliseconds(const model::StepRecord& record) {
  std::array<double, model::kStageCount> times{};
  for (const model::StageRecord& stage : record.stages) {
    times[static_cast<std::size_t>(stage.stage)] += stage.gpuTimeMs;
  }
  return times;
}

CacheGrowth cacheGrowth(const model::ModelConfig& config, model::KvType type, int contextLength,
                        int sequences) {
  return {.bytesPerToken = model::kvCacheBytes(config, type, 1, static_cast<std::uint64_t>(sequences)),
          .contextLength = contextLength};
}

}  // namespace headroom::analysis
