#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/model/config.h"
#include "core/model/step_record.h"

namespace headroom::analysis {

/// The classes of a Traffic in the order in which every view shows them.
inline constexpr int kTrafficClassCount = 6;
std::string_view trafficClassName(int trafficClass);
std::array<std::uint64_t, kTrafficClassCount> byClass(const model::Traffic& traffic);

/// Sums over several decode steps of one lane.
struct StepSummary {
  int tokenCount = 0;
  model::Traffic issued;
  model::Traffic logical;
  double wallTimeMs = 0.0;
  double gpuTimeMs = 0.0;

  void add(const model::StepRecord& record);
  /// Zero while nothing was measured.
  double msPerToken() const { return tokenCount > 0 ? wallTimeMs / tokenCount : 0.0; }
  double tokensPerSecond() const { return wallTimeMs > 0.0 ? 1000.0 * tokenCount / wallTimeMs : 0.0; }
  /// Implied bandwidth: logical bytes over the time of the stages, in GB/s (10^9 bytes).
  double impliedGigabytesPerSecond() const;
};

/// Summary of the given decode steps.
StepSummary summarise(std::span<const model::StepRecord> records);

/// Milliseconds of each stage in one step, layers added up.
std::array<double, model::kStageCount> stageMilliseconds(const model::StepRecord& record);

/// How the KV cache of one sequence grows: bytes are `bytesPerToken` times positions, up to the context
/// limit.
struct CacheGrowth {
  std::uint64_t bytesPerToken = 0;
  std::uint64_t bytesAtLimit = 0;
  int contextLength = 0;
};
CacheGrowth cacheGrowth(const model::ModelConfig& config, model::KvType type, int contextLength);

}  // namespace headroom::analysis
