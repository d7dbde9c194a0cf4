#include "app/pages/exported_figures.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/figures/map_figure.h"
#include "app/figures/speed_figure.h"
#include "app/pages/charts/speed_chart.h"
#include "app/session/recorded_rows.h"
#include "core/model/clock.h"
#include "core/model/error.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {

/// Of the lane with that LaneRequest::colorIndex; of none where it is negative.
analysis::Color colorOnPaper(int colorIndex) {
  constexpr analysis::Color kOfNoLane = analysis::rgb(0x556070);
  const auto& colors = analysis::kLaneColorsOnLight;
  return colorIndex < 0 ? kOfNoLane : colors[static_cast<std::size_t>(colorIndex) % colors.size()];
}

figures::FigureLane decodedLane(const ChartSource& source, int lane) {
  const session::LaneTrace& trace = source.store.lane(lane);
  figures::FigureLane result = figureLane(source.store, lane, colorOnPaper(trace.info().request.colorIndex));
  result.cache = analysis::cacheFilled(trace.steps());
  result.traffic = analysis::issuedPerStep(trace.decodeSteps(trace.length() - 1));
  if (lane < source.board.laneCount()) result.measurement = source.board.measurement(lane);
  return result;
}

}  // namespace

figures::Figure chartFigure(const ChartSource& source, figures::LaneChart chart) {
  std::vector<figures::FigureLane> lanes;
  for (int lane = 0; lane < source.store.laneCount(); ++lane) lanes.push_back(decodedLane(source, lane));
  return figures::laneFigure(chart, lanes, source.store.ceilings(), model::dateText());
}

figures::Figure speedFigure(const ChartSource& source, analysis::SpeedOver over) {
  const analysis::SpeedMap& map = source.store.speedMap();
  std::vector<analysis::Color> curveColors;
  for (const analysis::SpeedCurve& curve : map.curves) {
    curveColors.push_back(colorOnPaper(colorIndexOf(source.store, curve)));
  }
  return figures::speedFigure(map, over, curveColors);
}

figures::Figure mapFigure(const ChartSource& source, const session::HeadAddress& head) {
  const session::LaneTrace& trace = source.store.lane(head.lane);
  if (trace.length() == 0) {
    throw model::Error(trace.info().title + " has read no token yet, expected at least one");
  }
  figures::MapFigure map({head.layer, head.queryHead}, trace.length());
  std::vector<std::string> labels;
  for (int position = 0; position < trace.length(); ++position) {
    labels.push_back(trace.labelAt(position));
    const session::PooledRow row = session::bestRow(trace, head, position);
    if (!row.values.empty()) map.addRow(position, row.values, row.pooling);
  }
  return map.figure(decodedLane(source, head.lane),
                    {.scale = source.selection.mapScale(), .colors = source.selection.colorMap()},
                    std::move(labels), model::dateText());
}

std::vector<float> mapRows(const session::TraceStore& store, const session::HeadAddress& head) {
  const session::LaneTrace& trace = store.lane(head.lane);
  const auto length = static_cast<std::size_t>(trace.length());
  const auto rowAt = [&](std::size_t position) {
    return trace.attentionRow(head.layer, head.queryHead, static_cast<int>(position));
  };
  // Before the memory for it, which may be much, is taken.
  for (std::size_t position = 0; position < length; ++position) {
    if (rowAt(position).empty()) {
      throw model::Error(
          fmt::format("The row of position {} of {} is not kept whole, expected every row: `headroom-cli "
                      "attention` writes "
                      "them of any text",
                      model::groupDigits(static_cast<int>(position)), model::groupDigits(trace.length())));
    }
  }
  std::vector<float> rows(length * length);
  for (std::size_t position = 0; position < length; ++position)
    std::ranges::copy(rowAt(position), rows.begin() + static_cast<std::ptrdiff_t>(position * length));
  return rows;
}

}  // namespace headroom::pages
