#include "app/pages/charts/speed_chart.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {

/// How much farther than was measured the lines are drawn.
constexpr double kBeyond = 1.5;

QString nameOf(const analysis::SpeedCurve& curve) {
  return toQt(curve.title());
}

/// The lane that decodes that model, with that type of cache if there is one, for its colour; -1 where it is
/// gone.
int laneOf(const session::TraceStore& store, const analysis::SpeedCurve& curve) {
  int found = -1;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const session::LaneInfo& info = store.lane(lane).info();
    if (info.request.source != curve.source) continue;
    if (info.kvType == curve.kvType) return lane;
    if (found < 0) found = lane;
  }
  return found;
}

}  // namespace

SpeedChart::SpeedChart(Over over, QWidget* parent)
    : Chart(over == Over::Context ? "ms per step against context" : "ms per step against batch",
            "Measured by the last sweep: medians of its rounds, with the least and the most.\n"
            "The line is fitted; dashed it is beyond what was measured.",
            parent),
      m_over(over) {
  xAxis->setLabel(over == Over::Context ? "positions in the cache" : "sequences");
  if (over == Over::Context) showLegend();
}

std::vector<SpeedChart::Sample> SpeedChart::samplesOf(const analysis::SpeedCurve& curve) const {
  std::vector<Sample> samples;
  for (const analysis::SpeedPoint& point : curve.points) {
    const bool shows =
        m_over == Over::Context ? point.at.batch == m_batch : point.at.positions == m_positions;
    if (!shows || point.roundMs.empty()) continue;
    samples.push_back(
        {static_cast<double>(m_over == Over::Context ? point.at.positions : point.at.batch), point.stepMs()});
  }
  std::ranges::sort(samples, {}, &Sample::x);
  return samples;
}

void SpeedChart::refresh(const ChartSource& source) {
  const session::TraceStore& store = source.store;
  m_map = store.speedMap();
  clearPlottables();
  for (QCPAbstractItem* item : m_items) removeItem(item);
  m_items.clear();
  m_last = 0.0;
  if (m_map.curves.empty() || m_map.curves.front().points.empty()) {
    auto* text = new QCPItemText(this);
    text->position->setType(QCPItemPosition::ptAxisRectRatio);
    text->position->setCoords(0.5, 0.5);
    text->setText(m_over == Over::Context
                      ? "Nothing measured yet: Measure times all lanes at several contexts."
                      : "Nothing measured yet.");
    text->setColor(toQt(m_appearance.palette().textDim));
    text->setFont(xAxis->labelFont());
    m_items.push_back(text);
    replot(QCustomPlot::rpQueuedReplot);
    return;
  }
  const std::vector<analysis::SpeedPoint>& points = m_map.curves.front().points;
  m_batch = points.front().at.batch;
  m_positions = points[0].at.positions;
  for (const analysis::SpeedPoint& point : points) {
    if (point.at.batch != m_batch) m_positions = point.at.positions;
  }
  double largest = 0.0;
  for (const analysis::SpeedCurve& curve : m_map.curves) {
    for (const Sample& sample : samplesOf(curve)) {
      m_last = std::max(m_last, sample.x);
      largest = std::max(largest, sample.ms.maximum);
    }
  }
  for (const analysis::SpeedCurve& curve : m_map.curves) {
    const int lane = laneOf(store, curve);
    drawCurve(curve, lane < 0 ? toQt(m_appearance.palette().textDim) : laneColor(store, lane));
  }
  xAxis->setRange(0.0, m_over == Over::Context ? kBeyond * m_last : 1.1 * m_last);
  yAxis->setRange(0.0, roundUp(1.15 * largest));
  if (m_over == Over::Context) drawCrossings();
  replot(QCustomPlot::rpQueuedReplot);
}

void SpeedChart::drawCurve(const analysis::SpeedCurve& curve, QColor color) {
  const std::vector<Sample> samples = samplesOf(curve);
  const bool isNaive = curve.kernel == model::AttentionKernel::Naive;
  QCPGraph* graph = addGraph();
  graph->setName(nameOf(curve));
  graph->setLineStyle(QCPGraph::lsNone);
  graph->setScatterStyle(
      QCPScatterStyle(isNaive ? QCPScatterStyle::ssSquare : QCPScatterStyle::ssDisc, color, color, 6));
  graph->setPen(QPen(color, 1.5));
  auto* bars = new QCPErrorBars(xAxis, yAxis);
  bars->setDataPlottable(graph);
  bars->setPen(QPen(color, 1.0));
  bars->removeFromLegend();
  for (const Sample& sample : samples) {
    graph->addData(sample.x, sample.ms.median);
    bars->addData(sample.ms.median - sample.ms.minimum, sample.ms.maximum - sample.ms.median);
  }
  if (m_over == Over::Batch) {
    graph->setLineStyle(QCPGraph::lsLine);
    return;
  }
  const std::optional<analysis::Line> line = analysis::contextLine(curve, m_batch);
  if (!line || samples.empty()) return;
  const auto addLine = [&](double from, double to, Qt::PenStyle style) {
    QCPGraph* fitted = addGraph();
    fitted->setPen(QPen(color, isNaive ? 1.0 : 1.6, style));
    fitted->setData({from, to}, {line->at(from), line->at(to)}, true);
    fitted->removeFromLegend();
  };
  addLine(samples.front().x, samples.back().x, Qt::SolidLine);
  addLine(samples.back().x, kBeyond * m_last, Qt::DashLine);
}

void SpeedChart::drawCrossings() {
  int place = 0;
  for (const analysis::SpeedCurve& fast : m_map.curves) {
    if (fast.kernel != model::AttentionKernel::Shared) continue;
    // Against the one with the most KV heads that it may be compared with.
    const analysis::SpeedCurve* slow = nullptr;
    for (const analysis::SpeedCurve& curve : m_map.curves) {
      const bool hasMore = !slow || curve.attention.kvHeadCount > slow->attention.kvHeadCount;
      if (analysis::comparable(curve, fast) && hasMore) slow = &curve;
    }
    if (!slow) continue;
    for (const double goal : analysis::kCrossings) {
      const auto crossing = analysis::crossing(goal, *slow, fast, m_batch);
      if (!crossing) continue;
      markCrossing(
          crossing->at.positions,
          QString("%1 %2\u00d7 at %3").arg(nameOf(fast), fixed(goal, 1), grouped(crossing->at.positions)),
          place++);
    }
  }
}

void SpeedChart::markCrossing(double positions, const QString& label, int place) {
  auto* line = new QCPItemStraightLine(this);
  line->point1->setCoords(positions, 0.0);
  line->point2->setCoords(positions, 1.0);
  line->setPen(QPen(toQt(m_appearance.palette().mark), 1.0, Qt::DotLine));
  auto* text = new QCPItemText(this);
  text->position->setTypeX(QCPItemPosition::ptPlotCoords);
  text->position->setTypeY(QCPItemPosition::ptAxisRectRatio);
  text->position->setCoords(positions, 0.98 - 0.13 * (place % 4));
  const bool isRight = positions > 0.6 * xAxis->range().upper;
  text->setPositionAlignment(Qt::AlignBottom | (isRight ? Qt::AlignRight : Qt::AlignLeft));
  text->setText(" " + label + " ");
  text->setColor(toQt(m_appearance.palette().text));
  text->setFont(xAxis->labelFont());
  m_items.insert(m_items.end(), {line, text});
}

QString SpeedChart::valuesAt(double x) const {
  QString text;
  for (const analysis::SpeedCurve& curve : m_map.curves) {
    const std::vector<Sample> samples = samplesOf(curve);
    if (samples.empty()) continue;
    const auto nearest =
        std::ranges::min_element(samples, {}, [x](const Sample& sample) { return std::abs(sample.x - x); });
    text +=
        QString("%1%2 at %3: %4 ms (%5 to %6)")
            .arg(text.isEmpty() ? "" : "\n", nameOf(curve), grouped(static_cast<int>(nearest->x)),
                 fixed(nearest->ms.median, 3), fixed(nearest->ms.minimum, 3), fixed(nearest->ms.maximum, 3));
  }
  return text;
}

}  // namespace headroom::pages
