#pragma once

#include <vector>

#include "core/engine/stage_recorder.h"
#include "core/engine/stage_traffic.h"
#include "core/engine/step_form.h"
#include "core/engine/step_shape.h"
#include "core/model/step_record.h"

namespace headroom::engine {

/// A captured place that becomes known in some stage, and where its rows go.
struct StageCapture {
  CapturedPlace place;
  std::uint64_t columns = 0;        ///< floats of a row
  std::uint64_t columnsBefore = 0;  ///< of the places before it in StepForm::captures, each padded
};

/// Those of `form` that are copied in a stage, after it has run.
std::vector<StageCapture> capturesOf(const StepShape& shape, const StepForm& form, model::Stage stage,
                                     int layer);
/// Appends the dispatch that copies them.
void recordCapture(StageRecorder& recorder, const StepResources& step, const StageCapture& capture,
                   int rowCount);
/// What that loads and stores for those of `tokens` that are captured.
StageTraffic captureTraffic(const StepShape& shape, const StageCapture& capture,
                            std::span<const TokenParams> tokens);

/// The values that the last step left on the host, in the order of `form`.
std::vector<model::Activations> readCaptures(const StepShape& shape, const StepBuffers& buffers,
                                             const StepForm& form);

}  // namespace headroom::engine
