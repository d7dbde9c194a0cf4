#include "app/pages/charts/traffic_chart.h"

#include <algorithm>
#include <cmath>

#include "app/pages/texts.h"
#include "core/analysis/traffic_summary.h"

namespace headroom::pages {

TrafficChart::TrafficChart(QWidget* parent)
    : Chart("Bytes issued per step, MB",
            "Counted: bytes that the kernels of each decode step load and store. It grows with the cache;\n"
            "the weights are the flat part below.",
            parent) {
  xAxis->setLabel("position");
}

void TrafficChart::refresh(const ChartSource& source) {
  const auto& [store, selection, board] = source;
  const auto lanes = static_cast<std::size_t>(store.laneCount());
  if (m_run != store.run() || m_nextPosition.size() != lanes) {
    m_run = store.run();
    m_nextPosition.assign(lanes, 0);
    m_titles.clear();
    m_largest = 0.0;
    clearGraphs();
    for (int lane = 0; lane < store.laneCount(); ++lane) {
      addGraph();
      m_titles.push_back(laneTitle(store, lane));
    }
  }
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const session::LaneTrace& trace = store.lane(lane);
    int& next = m_nextPosition[static_cast<std::size_t>(lane)];
    for (next = std::max(next, trace.filledLength()); next < trace.length(); ++next) {
      const auto counted = analysis::countedBytes(trace.stepAt(next));
      if (!counted) continue;
      const auto bytes = static_cast<double>(*counted);
      graph(lane)->addData(next, bytes / kMegabyte);
      m_largest = std::max(m_largest, bytes);
    }
    graph(lane)->setPen(QPen(laneColor(store, lane), 2.0));
  }
  markUntrained(store);
  xAxis->setRange(0.0, std::max(store.contextLength(), 1));
  yAxis->setRange(0.0, roundUp(m_largest / kMegabyte));
  markPosition(selection.position() ? *selection.position() + 0.5 : -1.0);
  replot(QCustomPlot::rpQueuedReplot);
}

QString TrafficChart::valuesAt(double x) const {
  QString text;
  const double position = std::floor(x);
  for (int lane = 0; lane < graphCount(); ++lane) {
    const auto found = graph(lane)->data()->findBegin(position, false);
    if (found == graph(lane)->data()->constEnd() || found->key != position) continue;
    text += QString("%1%2 at position %3: %4 B")
                .arg(text.isEmpty() ? "" : "\n", m_titles[static_cast<std::size_t>(lane)],
                     grouped(static_cast<int>(position)),
                     grouped(static_cast<std::int64_t>(std::llround(found->value * kMegabyte))));
  }
  return text;
}

}  // namespace headroom::pages
