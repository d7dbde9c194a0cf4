#pragma once

#include <span>

#include "core/engine/device_weights.h"
#include "core/engine/step_form.h"
#include "core/engine/step_shape.h"
#include "core/model/stage.h"
#include "core/model/step_record.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

class InterventionTable;

/// The rows of one step: which positions they see, what is asked of their logits, and what is captured.
struct StepRows {
  std::span<const TokenParams> tokens;
  StepForm form;
  int topCount = 0;       ///< of a summary of logits
  int targetCount = 0;    ///< rows of such a summary that have a target
  int capturedHeads = 0;  ///< query heads of this layer whose attention rows are written
  const InterventionTable* interventions = nullptr;  ///< of a form that changes heads
  int capturePooling = 1;                            ///< keys per captured value
};

/// Issued and logical bytes of one dispatch.
struct StageTraffic {
  model::Traffic issued;
  model::Traffic logical;
};

/// Declares what the kernels of `stage` load and store in a step, derived from their workgroups and loops:
/// issued counts every load, also of padding and of reloads; logical counts each datum once. The step's
/// parameters (a uniform buffer) are not counted. The audit build of the kernels counts the same by itself.
StageTraffic stageTraffic(model::Stage stage, int layer, const StepShape& shape, const DeviceWeights& weights,
                          const StepRows& rows);

}  // namespace headroom::engine
