#include "app/pages/charts/growth_chart.h"

#include <algorithm>
#include <cmath>

#include "app/pages/texts.h"
#include "core/analysis/traffic_summary.h"
#include "core/model/quantity.h"

namespace headroom::pages {

GrowthChart::GrowthChart(QWidget* parent)
    : Chart("KV cache, MB",
            "Solid: counted by the decoder. Dashed: computed up to the context limit,\n"
            "2 \u00d7 layers \u00d7 KV heads \u00d7 head dimension \u00d7 bytes per element \u00d7 positions "
            "\u00d7 sequences.",
            parent) {
  xAxis->setLabel("position");
  showLegend();
}

void GrowthChart::refresh(const ChartSource& source) {
  const auto& [store, selection, board] = source;
  while (graphCount() > 2 * store.laneCount()) removeGraph(graphCount() - 1);
  while (graphCount() < 2 * store.laneCount()) addGraph();
  m_lanes.clear();
  double largest = 0.0;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const session::LaneTrace& trace = store.lane(lane);
    const analysis::CacheGrowth growth = analysis::cacheGrowth(
        trace.info().config, trace.info().kvType, trace.info().contextLength, trace.info().batch);
    const double length = trace.length();
    const double used =
        trace.length() > 0 ? static_cast<double>(trace.cacheBytesUsed(trace.length() - 1)) : 0.0;
    const double limit = static_cast<double>(growth.bytesAtLimit);
    largest = std::max(largest, limit);
    m_lanes.push_back({laneTitle(store, lane), QString::fromStdString(model::bytesText(limit)),
                       static_cast<double>(growth.bytesPerToken), growth.contextLength, trace.length()});

    QCPGraph* filled = graph(2 * lane);
    QCPGraph* projected = graph(2 * lane + 1);
    filled->setData({0.0, length}, {0.0, used / kMegabyte}, true);
    projected->setData({length, static_cast<double>(growth.contextLength)},
                       {used / kMegabyte, limit / kMegabyte}, true);
    const QColor color = laneColor(store, lane);
    filled->setPen(QPen(color, 2.0));
    QColor area = color;
    area.setAlpha(50);
    filled->setBrush(area);
    projected->setPen(QPen(color, 1.2, Qt::DashLine));
    projected->removeFromLegend();
  }
  nameLanes();
  markUntrained(store);
  xAxis->setRange(0.0, std::max(store.contextLength(), 1));
  yAxis->setRange(0.0, roundUp(largest / kMegabyte));
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
    if (position < 0 || position > lane.contextLength) continue;
    text += QString("%1%2 at %3 positions: %4 B%5")
                .arg(text.isEmpty() ? "" : "\n", lane.title, grouped(position),
                     QString::fromStdString(
                         model::groupDigits(static_cast<std::uint64_t>(lane.bytesPerToken * position))),
                     position > lane.length ? " (projected)" : "");
  }
  return text;
}

}  // namespace headroom::pages
