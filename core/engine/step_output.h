#pragma once

#include <optional>
#include <vector>

#include "core/engine/step_buffers.h"
#include "core/engine/step_form.h"
#include "core/engine/step_shape.h"
#include "core/model/decoder.h"
#include "core/model/step_record.h"

namespace headroom::engine {

/// The attention of the rows of the last step that were captured, from scores and extents that it left on the
/// host; empty when there are none.
model::AttentionRows readAttention(const StepShape& shape, const StepBuffers& buffers,
                                   const model::Capture& capture);
/// The summaries that the last step left, by row.
std::vector<model::LogitsSummary> readSummaries(const StepBuffers& buffers);

/// A value among the logits of the last step that is NaN or infinite, or nothing; of a summary, which keeps
/// no values, NaN stands for it.
std::optional<float> nonFiniteLogit(const StepShape& shape, const StepBuffers& buffers, const StepForm& form);

}  // namespace headroom::engine
