#include "app/pages/charts/traffic_chart.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/pages/charts/series.h"
#include "app/pages/texts.h"
#include "core/model/quantity.h"

namespace headroom::pages {

TrafficChart::TrafficChart(QWidget* parent)
    : Chart("Bytes issued per step",
            toQt(meaningOf(figures::LaneChart::Traffic)) +
                "\nIt grows with the cache; the weights are the flat part below.",
            parent) {
  xAxis->setLabel("position");
}

void TrafficChart::refresh(const ChartSource& source) {
  const auto& [store, selection, board] = source;
  const auto laneCount = static_cast<std::size_t>(store.laneCount());
  if (m_run != store.run() || m_lanes.size() != laneCount) {
    m_run = store.run();
    m_lanes.assign(laneCount, {});
    m_stepCounts.assign(laneCount, 0);
    m_filled.assign(laneCount, 0);
    clearGraphs();
    while (graphCount() < store.laneCount()) addGraph();
  }
  for (std::size_t lane = 0; lane < laneCount; ++lane) {
    const session::LaneTrace& trace = store.lane(static_cast<int>(lane));
    std::vector<analysis::BytesAt> traffic = std::move(m_lanes[lane].traffic);
    // A lane that read its text again, after a failure, has its decode steps behind that.
    if (std::exchange(m_filled[lane], trace.filledLength()) != trace.filledLength()) {
      traffic.clear();
      m_stepCounts[lane] = 0;
    }
    const auto steps = trace.decodeSteps(trace.length() - 1);
    const std::size_t known = std::min(m_stepCounts[lane], steps.size());
    const auto further = analysis::issuedPerStep(steps.subspan(known));
    traffic.insert(traffic.end(), further.begin(), further.end());
    m_stepCounts[lane] = steps.size();
    m_lanes[lane] = figureLane(store, static_cast<int>(lane));
    m_lanes[lane].traffic = std::move(traffic);
  }
  const figures::LinePlot plot = figures::trafficPlot(m_lanes);
  for (std::size_t lane = 0; lane < laneCount; ++lane) {
    QCPGraph& line = *graph(static_cast<int>(lane));
    setPoints(line, plot.series[lane]);
    line.setPen(penOf(plot.series[lane], 2.0));
  }
  if (plot.y.high > 0.0) setTitle(toQt(plot.y.label));
  markUntrained(store);
  // All that the caches hold: the axis stays while the text grows.
  xAxis->setRange(0.0, std::max(store.contextLength(), 1));
  yAxis->setRange(0.0, roundUp(plot.y.high));
  markPosition(selection.position() ? *selection.position() + 0.5 : -1.0);
  replot(QCustomPlot::rpQueuedReplot);
}

QString TrafficChart::valuesAt(double x) const {
  QString text;
  const int position = static_cast<int>(std::floor(x));
  for (const figures::FigureLane& lane : m_lanes) {
    const auto found = std::ranges::lower_bound(lane.traffic, position, {}, &analysis::BytesAt::position);
    if (found == lane.traffic.end() || found->position != position) continue;
    text += QString("%1%2 at position %3: %4 B")
                .arg(text.isEmpty() ? "" : "\n", toQt(lane.title), grouped(position),
                     toQt(model::groupDigits(found->bytes)));
  }
  return text;
}

}  // namespace headroom::pages
