#pragma once

#include <vector>

#include "app/figures/figure.h"
#include "core/analysis/speed_view.h"

namespace headroom::figures {

/// How the points of a curve are marked.
struct CurveMark {
  Mark mark = Mark::Circle;
  double scale = 1.0;  ///< of the usual size
};

/// Of the curve at that place among `count`: an outline, of another shape and smaller than those of the
/// curves before it. Drawn in this order, marks at one place lie within each other and all are seen.
CurveMark curveMark(std::size_t curve, std::size_t count);

/// Time of a step over the context, or over the batch, as a sweep measured it: of each curve a series with
/// its title, medians of its rounds with the least and the most, and behind it without a name, over the
/// context, the fitted line, solid where it was measured and dashed beyond. `view` is the sweep's, `colors`
/// are of its curves.
LinePlot speedPlot(const analysis::SpeedMap& map, const analysis::SpeedView& view, analysis::SpeedOver over,
                   const std::vector<analysis::Color>& colors);

/// speedPlot() with its numbers and what they are. Throws model::Error for a sweep without a point.
Figure speedFigure(const analysis::SpeedMap& map, analysis::SpeedOver over,
                   const std::vector<analysis::Color>& colors);

}  // namespace headroom::figures
