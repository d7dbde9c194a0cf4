#include "app/pages/charts/speed_chart.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "app/figures/speed_figure.h"
#include "app/pages/charts/series.h"
#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "app/session/trained_context.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {

/// How much shows of an earlier sweep while a newer one is under way.
constexpr double kEarlier = 0.45;
/// Pixels across.
constexpr double kMarkSize = 7.0;

}  // namespace

int colorIndexOf(const session::TraceStore& store, const analysis::SpeedCurve& curve) {
  int found = -1;
  int mostAlike = -1;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const session::LaneInfo& info = store.lane(lane).info();
    if (info.request.source != curve.source) continue;
    // That with the same kernel and type of cache, if there is one.
    const int alike = (info.attention == curve.kernel ? 2 : 0) + (info.kvType == curve.kvType ? 1 : 0);
    if (alike <= mostAlike) continue;
    mostAlike = alike;
    found = info.request.colorIndex;
  }
  return found;
}

SpeedChart::SpeedChart(analysis::SpeedOver over, QWidget* parent)
    : Chart(
          over == analysis::SpeedOver::Context ? "ms per step against context" : "ms per step against batch",
          "Measured by the last sweep: medians of its rounds, with the least and the most; its steps "
          "capture no maps, unlike those of the lanes.\n"
          "The line is fitted; dashed it is beyond what was measured.",
          parent),
      m_over(over) {
  xAxis->setLabel(toQt(figures::speedPlot({}, {}, over, {}).x.label));
  if (over == analysis::SpeedOver::Context) showLegend();
}

void SpeedChart::refresh(const ChartSource& source) {
  const session::TraceStore& store = source.store;
  m_map = store.speedMap();
  clearPlottables();
  for (QCPAbstractItem* item : m_items) removeItem(item);
  m_items.clear();
  m_view = analysis::speedView(m_map, m_over);
  m_isEarlier = store.speedMapIsEarlier();
  markUntrained(m_view.untrainedFrom, analysis::kBeyondMeasured * m_view.last);
  remark();
  if (m_view.isEmpty()) {
    auto* text = new QCPItemText(this);
    text->position->setType(QCPItemPosition::ptAxisRectRatio);
    text->position->setCoords(0.5, 0.5);
    text->setText(m_over == analysis::SpeedOver::Context
                      ? "Nothing measured yet: Measure times all lanes at several contexts."
                      : "Nothing measured yet.");
    text->setColor(toQt(m_appearance.palette().textDim));
    text->setFont(xAxis->labelFont());
    m_items.push_back(text);
    replot(QCustomPlot::rpQueuedReplot);
    return;
  }
  std::vector<analysis::Color> curveColors;
  for (const analysis::SpeedCurve& curve : m_map.curves) {
    const int colorIndex = colorIndexOf(store, curve);
    const session::Palette& colors = m_appearance.palette();
    const session::Color color = colorIndex < 0 ? colors.textDim : colors.lane(colorIndex);
    curveColors.push_back(m_isEarlier ? session::withAlpha(color, kEarlier) : color);
  }
  const figures::LinePlot plot = figures::speedPlot(m_map, m_view, m_over, curveColors);
  for (const figures::Series& series : plot.series) draw(series);
  xAxis->setRange(plot.x.low, plot.x.high);
  yAxis->setRange(0.0, roundUp(plot.y.high));
  if (m_over == analysis::SpeedOver::Context) {
    placeLegend();
    drawCrossings();
  } else {
    // Nobody decodes two and a half sequences.
    const QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
    for (const auto& samples : m_view.samples) {
      for (const analysis::SpeedSample& sample : samples)
        ticker->addTick(sample.x, grouped(static_cast<int>(sample.x)));
    }
    xAxis->setTicker(ticker);
  }
  replot(QCustomPlot::rpQueuedReplot);
}

void SpeedChart::remark() {
  // The narrow chart beside it is of the same sweep.
  const bool saysWhen = m_over == analysis::SpeedOver::Context;
  QStringList remarks;
  if (m_isEarlier) remarks.append(saysWhen ? "earlier sweep of " + toQt(m_map.date) : "earlier sweep");
  if (m_view.untrainedFrom) remarks.append(toQt(session::untrainedSweepNote(*m_view.untrainedFrom)));
  setRemark(remarks.join("; "));
}

void SpeedChart::draw(const figures::Series& series) {
  QCPGraph* graph = addGraph();
  graph->setName(toQt(series.name));
  setPoints(*graph, series);
  graph->setPen(QPen(toQt(series.color), 1.5, penOf(series, 1.5).style()));
  graph->setScatterStyle(
      QCPScatterStyle(lookOf(series.mark).shape, graph->pen(), Qt::NoBrush, kMarkSize * series.markScale));
  if (series.name.empty()) graph->removeFromLegend();
  if (series.ranges.empty()) return;
  auto* bars = new QCPErrorBars(xAxis, yAxis);
  bars->setDataPlottable(graph);
  bars->setPen(QPen(toQt(series.color), 1.0));
  bars->removeFromLegend();
  for (std::size_t point = 0; point < series.ranges.size(); ++point) {
    const double median = series.points[point].y;
    bars->addData(median - series.ranges[point].low, series.ranges[point].high - median);
  }
}

void SpeedChart::drawCrossings() {
  int place = 0;
  for (const auto& [curve, _, goal, crossing] : analysis::crossingsAt(m_map, m_view.batch)) {
    const QString name = toQt(m_map.curves[curve].title());
    markCrossing(
        crossing.at.positions,
        QString("%1 %2\u00d7 at %3").arg(name, fixed(goal, 1), toQt(analysis::crossingText(crossing))),
        place++);
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
  for (std::size_t curve = 0; curve < m_view.samples.size(); ++curve) {
    const std::vector<analysis::SpeedSample>& samples = m_view.samples[curve];
    if (samples.empty()) continue;
    const auto nearest = std::ranges::min_element(
        samples, {}, [x](const analysis::SpeedSample& sample) { return std::abs(sample.x - x); });
    text += QString("%1%2 at %3: %4 ms (%5 to %6)")
                .arg(text.isEmpty() ? "" : "\n", toQt(m_map.curves[curve].title()),
                     grouped(static_cast<int>(nearest->x)), fixed(nearest->ms.median, 3),
                     fixed(nearest->ms.minimum, 3), fixed(nearest->ms.maximum, 3));
  }
  return text;
}

}  // namespace headroom::pages
