#include "core/model/step_memory.h"

#include <array>
#include <utility>
#include <vector>

namespace headroom::model {

namespace {
template <typename Element>
std::uint64_t memoryOfVector(const std::vector<Element>& elements) {
  return elements.capacity() * sizeof(Element);
}
}  // namespace

std::uint64_t memoryOf(const AttentionRows& rows) {
  // Names all members, so that a new one does not compile before it was counted here.
  const auto& [layers, queryHeads, rowCount, firstPosition, pooling, rowStride, values] = rows;
  return memoryOfVector(layers) + memoryOfVector(queryHeads) + memoryOfVector(values);
}

std::uint64_t memoryOf(const StepRecord& record) {
  const auto& [tokens, position, rows, wallTimeMs, deviceMs, stages, overhead, cacheBytesUsed,
               cacheBytesAllocated, attention, activations, candidates, nextTokenEntropy, logits, summaries] =
      record;
  std::uint64_t bytes = sizeof record + memoryOfVector(tokens) + memoryOfVector(rows) +
                        memoryOfVector(stages) + memoryOf(attention) + memoryOfVector(activations) +
                        memoryOfVector(candidates) + memoryOfVector(logits) + memoryOfVector(summaries);
  for (const Activations& part : activations) bytes += memoryOfVector(part.values);
  for (const LogitsSummary& summary : summaries) bytes += memoryOfVector(summary.top);
  return bytes;
}

void addUpLayers(StepRecord& record) {
  std::array<StageRecord, kStageCount> sums;
  std::array<bool, kStageCount> ran{};
  for (const StageRecord& part : record.stages) {
    const auto index = static_cast<std::size_t>(part.stage);
    StageRecord& sum = sums[index];
    if (!std::exchange(ran[index], true)) sum = {.stage = part.stage, .dispatchCount = 0};
    sum.gpuTimeMs += part.gpuTimeMs;
    sum.issued += part.issued;
    sum.logical += part.logical;
    sum.dispatchCount += part.dispatchCount;
  }
  std::vector<StageRecord> stages;
  stages.reserve(kStageCount);
  for (std::size_t index = 0; index < sums.size(); ++index) {
    if (ran[index]) stages.push_back(sums[index]);
  }
  stages.shrink_to_fit();
  record.stages = std::move(stages);
}

}  // namespace headroom::model
