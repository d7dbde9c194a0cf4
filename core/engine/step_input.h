#pragma once

#include <optional>
#include <span>

#include "core/engine/step_form.h"
#include "core/engine/step_shape.h"
#include "core/model/decoder.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

/// How many of `rows` the next step takes: as many as there is room for, theirs and what is captured of them.
/// Throws vulkan::Error when not even one can be captured.
std::size_t stepRows(const StepShape& shape, std::span<const model::StepRow> rows,
                     const model::StepRequest& request);

/// Tells a step what to do: `rows`, what is captured of them, and whose logits are wanted. `targets` are
/// those of `rows`, or none. The form that the step has.
StepForm fillIn(StepParams& params, const StepShape& shape, std::span<const model::StepRow> rows,
                const model::StepRequest& request, std::span<const int> targets);

/// The position of the first row that a step captures; nothing when it captures none.
std::optional<int> firstCaptured(const StepParams& params);

}  // namespace headroom::engine
