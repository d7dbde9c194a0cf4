#pragma once

#include <vector>

#include "app/figures/lane_figures.h"
#include "app/pages/charts/chart.h"
#include "core/analysis/speed_view.h"

namespace headroom::pages {

/// Figures of what the window shows just now: the lanes' traces and the times that its charts have.

/// Throws model::Error as figures::laneFigure does.
figures::Figure chartFigure(const ChartSource& source, figures::LaneChart chart);

/// What the last sweep measured. Throws model::Error as figures::speedFigure does.
figures::Figure speedFigure(const ChartSource& source, analysis::SpeedOver over);

/// The whole map of a head, in the scale and colours of the window.
figures::Figure mapFigure(const ChartSource& source, const session::HeadAddress& head);

/// Attention of a head, [positions][positions], 0 where a row does not look. Throws model::Error when a row
/// is not kept whole.
std::vector<float> mapRows(const session::TraceStore& store, const session::HeadAddress& head);

}  // namespace headroom::pages
