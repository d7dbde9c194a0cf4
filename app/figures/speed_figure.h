#pragma once

#include <vector>

#include "app/figures/figure.h"
#include "core/analysis/speed_view.h"

namespace headroom::figures {

/// Time of a step over the context, or over the batch, as a sweep measured it: medians of its rounds with the
/// least and the most, and over the context a fitted line. `colors` are of the sweep's curves. Throws
/// model::Error for a sweep without a point.
Figure speedFigure(const analysis::SpeedMap& map, analysis::SpeedOver over,
                   const std::vector<analysis::Color>& colors);

}  // namespace headroom::figures
