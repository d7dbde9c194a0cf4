#pragma once

#include <string>
#include <vector>

#include "app/figures/lane_plots.h"

namespace headroom::figures {

/// The figure of a chart. `date` is when it was decoded; the ceilings are a roofline's alone, and may be
/// unknown. Throws model::Error when no lane has what it shows: growth needs a step, traffic and roofline
/// decode steps whose bytes were counted, stages decode steps, geometry a model's weights.
Figure laneFigure(LaneChart chart, const std::vector<FigureLane>& lanes,
                  const model::DeviceCeilings& ceilings, const std::string& date);

/// What every figure says of its lanes: how each decodes, on which device, and when.
std::vector<std::string> lanesCaption(const std::vector<FigureLane>& lanes, const std::string& date);

}  // namespace headroom::figures
