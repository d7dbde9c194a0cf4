#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/analysis/rates.h"
#include "core/model/config.h"
#include "core/model/step_record.h"

namespace headroom::analysis {

/// The classes of a Traffic in the order in which every view shows them.
inline constexpr int kTrafficClassCount = 6;
inline constexpr int kKvReadClass = 1;
std::string_view trafficClassName(int trafficClass);
std::array<std::uint64_t, kTrafficClassCount> byClass(const model::Traffic& traffic);

/// Sums over several decode steps of one lane. Three words, never mixed: logical bytes (each datum once),
/// issued bytes (what the kernels load and store), implied GB/s (logical bytes over measured time).
struct StepSummary {
  int stepCount = 0;
  int dispatchCount = 0;
  model::Traffic issued;
  model::Traffic logical;
  double wallTimeMs = 0.0;
  double gpuTimeMs = 0.0;                                ///< of all stages
  std::array<double, model::kStageCount> stageTimeMs{};  ///< layers added up
  std::array<std::uint64_t, model::kStageCount> stageIssuedBytes{};
  std::array<std::uint64_t, model::kStageCount> stageLogicalBytes{};
  model::Overhead overhead;  ///< with gpuTimeMs it adds up to wallTimeMs

  void add(const model::StepRecord& record);
  /// Mean of one step of what was summed up; 0 without steps.
  double perStep(double sum) const { return stepCount > 0 ? sum / stepCount : 0.0; }
  // As rates.h has them, of all steps together.
  double impliedGigabytesPerSecond() const {
    return analysis::impliedGigabytesPerSecond(logical, wallTimeMs);
  }
  double kvReuseFactor() const { return analysis::kvReuseFactor(issued, logical); }
};

/// Issued bytes of a step; nothing where nobody counted them.
std::optional<std::uint64_t> countedBytes(const model::StepRecord& record);

/// Bytes read, each datum once: weights, KV and activations.
std::uint64_t bytesRead(const model::Traffic& traffic);

/// Summary of the given decode steps.
StepSummary summarise(std::span<const model::StepRecord> records);

/// Milliseconds of each stage in one step, layers added up.
std::array<double, model::kStageCount> stageMilliseconds(const model::StepRecord& record);

/// How the KV cache of all sequences grows, computed.
struct CacheGrowth {
  std::uint64_t bytesPerToken = 0;
  int contextLength = 0;

  std::uint64_t bytesAt(int positions) const { return bytesPerToken * static_cast<std::uint64_t>(positions); }
  std::uint64_t bytesAtLimit() const { return bytesAt(contextLength); }
};
CacheGrowth cacheGrowth(const model::ModelConfig& config, model::KvType type, int contextLength,
                        int sequences = 1);

}  // namespace headroom::analysis
