#include "app/pages/charts/growth_chart.h"

#include <algorithm>
#include <cmath>

#include "app/pages/charts/series.h"
#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {
/// How much shows of the ground below what is filled.
constexpr double kFilled = 0.2;
}  // namespace

GrowthChart::GrowthChart(QWidget* parent)
    : Chart("KV cache", toQt(meaningOf(figures::LaneChart::Growth)), parent) {
  xAxis->setLabel("position");
  showLegend();
}

void GrowthChart::refresh(const ChartSource& source) {
  const auto& [store, selection, board] = source;
  while (graphCount() > 2 * store.laneCount()) removeGraph(graphCount() - 1);
  while (graphCount() < 2 * store.laneCount()) addGraph();
  m_lanes.clear();
  std::vector<figures::FigureLane> lanes;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const auto steps = store.lane(lane).steps();
    lanes.push_back(figureLane(store, lane));
    // The line to where it is now has all that is known of it.
    lanes.back().cache = analysis::cacheFilled(steps.last(std::min<std::size_t>(steps.size(), 1)));
    const analysis::CacheGrowth growth = figures::growthOf(lanes.back());
    m_lanes.push_back({toQt(lanes.back().title),
                       toQt(model::bytesText(static_cast<double>(growth.bytesAtLimit()))), growth,
                       std::nullopt, store.lane(lane).length()});
    if (lanes.back().holdsCache && !lanes.back().cache.empty())
      m_lanes.back().counted = lanes.back().cache.back();
  }
  const figures::LinePlot plot = figures::growthPlot(lanes);
  for (int index = 0; index < graphCount(); ++index) {
    const figures::Series& series = plot.series[static_cast<std::size_t>(index)];
    setPoints(*graph(index), series);
    graph(index)->setPen(penOf(series, 2.0));
    if (series.stroke == figures::Stroke::Solid) {
      graph(index)->setBrush(toQt(session::withAlpha(series.color, kFilled)));
    } else {
      graph(index)->removeFromLegend();
    }
  }
  if (!lanes.empty()) setTitle(toQt(plot.y.label));
  nameLanes();
  markUntrained(store);
  xAxis->setRange(plot.x.low, plot.x.high);
  yAxis->setRange(0.0, roundUp(plot.y.high));
  markPosition(selection.position() ? *selection.position() + 1.0 : -1.0);
  replot(QCustomPlot::rpQueuedReplot);
}

void GrowthChart::nameLanes() {
  // Names stand in a row, each behind its line.
  constexpr int kBesideName = 40;
  constexpr int kHighEnough = 150;
  const QFontMetrics metrics(legend->font());
  int together = 0;
  const auto whole = [](const Lane& lane) { return lane.title + "  " + lane.limit + " at the limit"; };
  for (const Lane& lane : m_lanes) together += metrics.horizontalAdvance(whole(lane)) + kBesideName;
  // In a low chart a row of its own would leave little of the plot.
  const bool fits =
      hasRoomBehindTitle(together) || (height() >= kHighEnough && together <= axisRect()->width());
  for (std::size_t lane = 0; lane < m_lanes.size(); ++lane)
    graph(static_cast<int>(2 * lane))->setName(fits ? whole(m_lanes[lane]) : m_lanes[lane].title);
  placeLegend();
}

void GrowthChart::resizeEvent(QResizeEvent* event) {
  Chart::resizeEvent(event);
  nameLanes();
  replot(QCustomPlot::rpQueuedReplot);
}

QString GrowthChart::valuesAt(double x) const {
  QString text;
  const int position = static_cast<int>(std::lround(x));
  for (const Lane& lane : m_lanes) {
    if (position < 0 || position > lane.growth.contextLength) continue;
    const bool isCounted = lane.counted && lane.counted->position == position;
    const std::uint64_t bytes = isCounted ? lane.counted->bytes : lane.growth.bytesAt(position);
    text += QString("%1%2 at %3 positions: %4 B (%5)")
                .arg(text.isEmpty() ? "" : "\n", lane.title, grouped(position),
                     QString::fromStdString(model::groupDigits(bytes)),
                     isCounted                ? "counted"
                     : position > lane.length ? "computed, not filled yet"
                                              : "computed");
  }
  return text;
}

}  // namespace headroom::pages
