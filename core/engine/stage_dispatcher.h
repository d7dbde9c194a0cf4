#pragma once

#include "core/engine/device_weights.h"
#include "core/engine/kv_cache.h"
#include "core/engine/step_buffers.h"
#include "core/engine/step_form.h"
#include "core/engine/step_kernels.h"
#include "core/model/stage.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

class InterventionTable;

/// What the stages of a step work on; all of it outlives the recorded commands.
struct StepResources {
  const StepShape& shape;
  const StepKernels& kernels;
  const DeviceWeights& weights;
  const KvCache& cache;
  const StepBuffers& buffers;
  /// What a form that changes heads reads; others leave it alone.
  const InterventionTable* interventions = nullptr;
  /// Counters of kernels built for auditing, kAuditStride bytes for each dispatch; null for plain kernels.
  const vulkan::Buffer* audit = nullptr;
};

inline constexpr std::uint64_t kAuditStride = kOffsetAlignment;

/// Whether attention of that layer hands on merged chunks, so that its output's stage has no dispatch for it.
bool mergesInAttention(const StepShape& shape, const StepForm& form, int layer);
/// Whether a stage ends with changing heads of its layer.
bool changesHeads(const StepForm& form, model::Stage stage, int layer);
/// Dispatches of a stage of a layer: the rows family merges attention in one of its own, parts of Q, K and V
/// that are stored otherwise have one each, heads are changed by one, captured values are copied by one each.
int dispatchCount(const StepShape& shape, const DeviceWeights& weights, const StepForm& form,
                  model::Stage stage, int layer);

/// Appends what a form that advances ends with, behind all stages.
void recordAdvance(vulkan::Recorder& recorder, const StepResources& step);
/// Appends the dispatches of one stage in a step of `form`. `layer` is ignored for Embedding and Logits.
void recordStage(vulkan::Recorder& recorder, const StepResources& step, const StepForm& form,
                 model::Stage stage, int layer);

}  // namespace headroom::engine
