#pragma once

#include <optional>

#include "core/engine/step_program.h"
#include "core/engine/step_shape.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

/// A value that is NaN or infinite, and where it came from.
struct NonFiniteValue {
  model::Stage stage = model::Stage::Logits;
  int layer = -1;
  int position = 0;  ///< of the token whose value it is
  float value = 0.0f;
};

/// Runs the step again that StepBuffers::params describes, one stage at a time, and looks through what each
/// writes: the first value that is not finite, or nothing. Reads back all activations, so it is for a step
/// that has gone wrong. The cache is as after the step.
std::optional<NonFiniteValue> findNonFinite(vulkan::Device& device, const StepResources& step, StepForm form);

}  // namespace headroom::engine
