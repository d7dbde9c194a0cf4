#include "app/pages/charts/speed_chart.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "app/figures/speed_figure.h"
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

QCPScatterStyle::ScatterShape shapeOf(figures::Mark mark) {
  switch (mark) {
    case figures::Mark::None:
      return QCPScatterStyle::ssNone;
    case figures::Mark::Cross:
      return QCPScatterStyle::ssCross;
    case figures::Mark::Square:
      return QCPScatterStyle::ssSquare;
    case figures::Mark::Circle:
      return QCPScatterStyle::ssCircle;
    case figures::Mark::Disc:
      return QCPScatterStyle::ssDisc;
    case figures::Mark::Diamond:
      return QCPScatterStyle::ssDiamond;
    case figures::Mark::Triangle:
      return QCPScatterStyle::ssTriangle;
    case figures::Mark::TriangleDown:
      return QCPScatterStyle::ssTriangleInverted;
    case figures::Mark::PlusCircle:
      return QCPScatterStyle::ssPlusCircle;
  }
  return QCPScatterStyle::ssNone;
}

}  // namespace

int colorIndexOf(const session::TraceStore& store, const analysis::SpeedCurve& curve) {
  int found = -1;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const session::LaneInfo& info = store.lane(lane).info();
    if (info.request.source != curve.source) continue;
    // That with the same type of cache, if there is one.
    if (info.kvType == curve.kvType) return info.request.colorIndex;
    if (found < 0) found = info.request.colorIndex;
  }
  return found;
}

SpeedChart::SpeedChart(analysis::SpeedOver over, QWidget* parent)
    : Chart(
          over == analysis::SpeedOver::Context ? "ms per step against context" : "ms per step against batch",
          "Measured by the last sweep: medians of its rounds, with the least and the most.\n"
          "The line is fitted; dashed it is beyond what was measured.",
          parent),
      m_over(over) {
  xAxis->setLabel(over == analysis::SpeedOver::Context ? "positions in the cache" : "sequences");
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
  double largest = 0.0;
  for (std::size_t curve = 0; curve < m_map.curves.size(); ++curve) {
    for (const analysis::SpeedSample& sample : m_view.samples[curve])
      largest = std::max(largest, sample.ms.maximum);
    const int colorIndex = colorIndexOf(store, m_map.curves[curve]);
    const session::Palette& colors = m_appearance.palette();
    const session::Color color = colorIndex < 0 ? colors.textDim : colors.lane(colorIndex);
    drawCurve(curve, toQt(m_isEarlier ? session::withAlpha(color, kEarlier) : color));
  }
  xAxis->setRange(0.0, m_over == analysis::SpeedOver::Context ? analysis::kBeyondMeasured * m_view.last
                                                              : 1.1 * m_view.last);
  yAxis->setRange(0.0, roundUp(1.15 * largest));
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

void SpeedChart::drawCurve(std::size_t index, QColor color) {
  const analysis::SpeedCurve& curve = m_map.curves[index];
  const std::vector<analysis::SpeedSample>& samples = m_view.samples[index];
  const bool isNaive = curve.kernel == model::AttentionKernel::Naive;
  const figures::CurveMark mark = figures::curveMark(index, m_map.curves.size());
  QCPGraph* graph = addGraph();
  graph->setName(toQt(curve.title()));
  graph->setLineStyle(QCPGraph::lsNone);
  graph->setScatterStyle(
      QCPScatterStyle(shapeOf(mark.mark), QPen(color, 1.5), Qt::NoBrush, kMarkSize * mark.scale));
  graph->setPen(QPen(color, 1.5));
  auto* bars = new QCPErrorBars(xAxis, yAxis);
  bars->setDataPlottable(graph);
  bars->setPen(QPen(color, 1.0));
  bars->removeFromLegend();
  for (const analysis::SpeedSample& sample : samples) {
    graph->addData(sample.x, sample.ms.median);
    bars->addData(sample.ms.median - sample.ms.minimum, sample.ms.maximum - sample.ms.median);
  }
  if (m_over == analysis::SpeedOver::Batch) {
    graph->setLineStyle(QCPGraph::lsLine);
    return;
  }
  const std::optional<analysis::Line> line = analysis::contextLine(curve, m_view.batch);
  if (!line || samples.empty()) return;
  const auto addLine = [&](double from, double to, Qt::PenStyle style) {
    QCPGraph* fitted = addGraph();
    fitted->setPen(QPen(color, isNaive ? 1.0 : 1.6, style));
    fitted->setData({from, to}, {line->at(from), line->at(to)}, true);
    fitted->removeFromLegend();
  };
  addLine(samples.front().x, samples.back().x, Qt::SolidLine);
  addLine(samples.back().x, analysis::kBeyondMeasured * m_view.last, Qt::DashLine);
}

void SpeedChart::drawCrossings() {
  int place = 0;
  for (const auto& [curve, _, goal, crossing] : analysis::crossingsAt(m_map, m_view.batch)) {
    const QString name = toQt(m_map.curves[curve].title());
    markCrossing(crossing.at.positions,
                 QString("%1 %2\u00d7 at %3").arg(name, fixed(goal, 1), grouped(crossing.at.positions)),
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
