#pragma once

#include "core/engine/device_weights.h"
#include "core/engine/kv_cache.h"
#include "core/engine/step_buffers.h"
#include "core/engine/step_kernels.h"
#include "core/model/stage.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

/// What the stages of a step work on; all of it outlives the recorded commands.
struct StepResources {
  const StepShape& shape;
  const StepKernels& kernels;
  const DeviceWeights& weights;
  const KvCache& cache;
  const StepBuffers& buffers;
  /// Counters of kernels built for auditing, kAuditStride bytes for each dispatch; null for plain kernels.
  const vulkan::Buffer* audit = nullptr;
};

inline constexpr std::uint64_t kAuditStride = kOffsetAlignment;

/// Dispatches of a stage: the rows family merges attention in one of its own.
int dispatchCount(const StepShape& shape, model::Stage stage);

/// Appends the dispatches of one stage for `rowCount` rows, of which the last `logitsRows` get logits.
/// `layer` is ignored for Embedding and Logits.
void recordStage(vulkan::Recorder& recorder, const StepResources& step, model::Stage stage, int layer,
                 int rowCount, int logitsRows);

}  // namespace headroom::engine
