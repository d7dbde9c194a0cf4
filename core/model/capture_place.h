#pragma once

#include <utility>

#include "core/model/stage.h"
#include "core/model/step_record.h"

namespace headroom::model {

/// The stage, and its layer, after which the values at `point` of `layer` are there; -1 for Embedding.
std::pair<Stage, int> madeBy(CapturePoint point, int layer);

}  // namespace headroom::model
