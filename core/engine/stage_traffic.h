#pragma once

#include <span>

#include "core/engine/device_weights.h"
#include "core/engine/step_shape.h"
#include "core/model/stage.h"
#include "core/model/step_record.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

/// The rows of one step: which positions they see and how many logits rows are asked for.
struct StepRows {
  std::span<const TokenParams> tokens;
  int logitsRows = 1;
};

/// Issued and logical bytes of one dispatch.
struct StageTraffic {
  model::Traffic issued;
  model::Traffic logical;
};

/// Declares what the kernel of `stage` loads and stores in a step, derived from its workgroups and loops:
/// issued counts every load, also of padding and of reloads; logical counts each datum once. `capturedHeads`
/// is how many query heads of this layer have their attention rows written. The step's parameters (a uniform
/// buffer) are not counted.
StageTraffic stageTraffic(model::Stage stage, int layer, const StepShape& shape, const DeviceWeights& weights,
                          const StepRows& rows, int capturedHeads);

}  // namespace headroom::engine
