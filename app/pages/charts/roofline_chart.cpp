#include "app/pages/charts/roofline_chart.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "app/pages/charts/series.h"
#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "core/analysis/lane_measurement.h"
#include "core/analysis/step_parts.h"
#include "core/model/quantity.h"

namespace headroom::pages {

namespace {

QString shortNumber(double value) {
  return QString::fromStdString(model::shortText(value));
}

}  // namespace

RooflineChart::RooflineChart(QWidget* parent)
    : Chart(
          figures::kRooflineTitle,
          toQt(meaningOf(figures::LaneChart::Roofline)) +
              "\nA dot below the sloping lines is not limited by bandwidth but by its kernel or its "
              "dispatches; near a line that memory or cache limits it; near the level line arithmetic does.",
          parent) {
  setObjectName("roofline");
  for (QCPAxis* axis : {xAxis, yAxis}) {
    axis->setScaleType(QCPAxis::stLogarithmic);
    QSharedPointer<QCPAxisTickerLog> ticker(new QCPAxisTickerLog);
    ticker->setLogBase(10.0);
    axis->setTicker(ticker);
    axis->setNumberFormat("g");
    axis->setNumberPrecision(3);
  }
  xAxis->setLabel(figures::kIntensityLabel);
  yAxis->setLabel(figures::kFlopsLabel);
  plotLayout()->setMargins({0, 0, 0, 0});
}

void RooflineChart::setAppearance(const session::Appearance& appearance) {
  Chart::setAppearance(appearance);
  // A legend of its own stands in the right margin.
  const QFontMetrics metrics(legend->font());
  QMargins margins = axisRect()->minimumMargins();
  margins.setRight(metrics.horizontalAdvance("MHA \u00d764 f16 naive") + 32);
  axisRect()->setMinimumMargins(margins);
}

void RooflineChart::refresh(const ChartSource& source) {
  clearPlottables();
  // The base class has an item of its own.
  for (QCPAbstractItem* item : m_items) removeItem(item);
  m_items.clear();
  collect(source);
  const model::DeviceCeilings& ceilings = source.store.ceilings();
  m_ceilings = ceilings.known() ? QString("Probes measured %1.").arg(QString::fromStdString(ceilings.date))
                                : QString("This device's ceilings are not measured yet.");
  const analysis::RooflineRange range = setRanges(ceilings);
  const session::Color color = m_appearance.palette().textDim;
  const std::vector<figures::Series> roofs = figures::roofLines(ceilings, range, color);
  for (const figures::Series& roof : roofs) drawRoof(roof, roofs);
  drawDots();
  drawLegend();
  replot(QCustomPlot::rpQueuedReplot);
}

void RooflineChart::collect(const ChartSource& source) {
  m_dots.clear();
  for (int lane = 0; lane < std::min(source.store.laneCount(), source.board.laneCount()); ++lane) {
    for (const analysis::RooflinePoint& point : analysis::rooflinePoints(source.board.measurement(lane))) {
      m_dots.push_back({laneTitle(source.store, lane), toQt(laneColor(source.store, lane)), point});
    }
  }
}

analysis::RooflineRange RooflineChart::setRanges(const model::DeviceCeilings& ceilings) {
  std::vector<analysis::RooflinePoint> points;
  for (const Dot& dot : m_dots) points.push_back(dot.point);
  const analysis::RooflineRange range = analysis::rooflineRange(points, ceilings);
  xAxis->setRange(range.left, range.right);
  yAxis->setRange(range.bottom, range.top);
  return range;
}

void RooflineChart::drawRoof(const figures::Series& roof, const std::vector<figures::Series>& roofs) {
  QCPGraph* line = addGraph();
  setPoints(*line, roof);
  line->setPen(QPen(toQt(roof.color), 1.5, penOf(roof, 1.5).style()));
  const QString name = toQt(roof.name);
  const figures::Point ridge = roof.points.back();
  if (roof.stroke == figures::Stroke::Dotted) {
    label(name, ridge.x, ridge.y, Qt::AlignRight | Qt::AlignBottom);
    return;
  }
  // A slope's name stands under the level line, right of where it meets it, as far as nothing else does.
  const double at = xAxis->coordToPixel(ridge.x);
  double room = axisRect()->right() - at;
  for (const figures::Series& other : roofs) {
    const double away = xAxis->coordToPixel(other.points.back().x) - at;
    if (other.stroke != figures::Stroke::Dotted && away > 0.0) room = std::min(room, away - 8.0);
  }
  if (room > QFontMetrics(legend->font()).horizontalAdvance(name) + 16) {
    label(name, ridge.x, ridge.y, Qt::AlignLeft | Qt::AlignTop);
    return;
  }
  // Else above its line, those of two slopes apart from each other.
  const double along = roof.stroke == figures::Stroke::Solid ? 0.6 : 0.75;
  const figures::Point from = roof.points.front();
  label(name, from.x * std::pow(ridge.x / from.x, along), from.y * std::pow(ridge.y / from.y, along),
        Qt::AlignRight | Qt::AlignBottom);
}

void RooflineChart::drawDots() {
  const double size = (m_appearance.presentation() ? 12.0 : 9.0) * double{m_appearance.scale()};
  for (const Dot& dot : m_dots) {
    QCPGraph* graph = addGraph();
    graph->setLineStyle(QCPGraph::lsNone);
    const figures::Mark mark = figures::stageMark(dot.point.stage);
    graph->setScatterStyle({lookOf(mark).shape, QPen(dot.color, 1.6),
                            mark == figures::Mark::Disc ? QBrush(dot.color) : QBrush(), size});
    graph->addData(dot.point.intensity(), dot.point.gigaflopsPerSecond());
  }
}

double RooflineChart::legendLines() const {
  std::set<QString> lanes;
  std::set<model::Stage> stages;
  for (const Dot& dot : m_dots) {
    lanes.insert(dot.lane);
    stages.insert(dot.point.stage);
  }
  return static_cast<double>(lanes.size() + stages.size()) + 0.5;
}

void RooflineChart::drawLegend() {
  const int line = QFontMetrics(legend->font()).lineSpacing() + 1;
  const double left = axisRect()->rect().right() + 16.0;
  // Beside the plot; in a low chart it begins beside the title.
  double y = std::clamp(height() - legendLines() * line, 4.0, axisRect()->rect().top() + 2.0);
  QString lane;
  for (const Dot& dot : m_dots) {
    if (dot.lane == lane) continue;
    lane = dot.lane;
    write("\u2014 " + lane, {left, y}, dot.color);
    y += line;
  }
  y += 0.5 * line;
  const session::Palette& colors = m_appearance.palette();
  for (int stage = 0; stage < model::kStageCount; ++stage) {
    const bool shown = std::any_of(m_dots.begin(), m_dots.end(), [&](const Dot& dot) {
      return dot.point.stage == static_cast<model::Stage>(stage);
    });
    if (!shown) continue;
    write(lookOf(figures::stageMark(static_cast<model::Stage>(stage))).sign, {left, y}, toQt(colors.textDim));
    write(analysis::kStepPartNames[static_cast<std::size_t>(stage)], {left + 20.0, y}, toQt(colors.text));
    y += line;
  }
}

void RooflineChart::write(const QString& text, QPointF at, const QColor& color) {
  auto* item = new QCPItemText(this);
  m_items.push_back(item);
  item->setClipToAxisRect(false);
  item->setFont(legend->font());
  item->setColor(color);
  item->setText(text);
  item->setPositionAlignment(Qt::AlignLeft | Qt::AlignTop);
  item->position->setType(QCPItemPosition::ptAbsolute);
  item->position->setCoords(at);
}

void RooflineChart::label(const QString& text, double x, double y, Qt::Alignment alignment) {
  auto* item = new QCPItemText(this);
  m_items.push_back(item);
  item->setFont(legend->font());
  item->setColor(toQt(m_appearance.palette().textDim));
  item->setText(text);
  item->setPositionAlignment(alignment);
  item->setPadding(QMargins(6, 2, 6, 2));
  item->position->setCoords(x, y);
}

void RooflineChart::mouseMoveEvent(QMouseEvent* event) {
  m_mouse = event->position();
  Chart::mouseMoveEvent(event);
}

QString RooflineChart::valuesAt(double) const {
  const Dot* nearest = nullptr;
  double distance = 24.0;
  for (const Dot& dot : m_dots) {
    const double away = std::hypot(xAxis->coordToPixel(dot.point.intensity()) - m_mouse.x(),
                                   yAxis->coordToPixel(dot.point.gigaflopsPerSecond()) - m_mouse.y());
    if (away >= distance) continue;
    distance = away;
    nearest = &dot;
  }
  if (!nearest) return m_ceilings;
  const analysis::RooflinePoint& point = nearest->point;
  return QString(
             "%1, %2: %3 FLOPs / %4 issued B = %5 FLOPs per byte\n%6 GFLOP/s and %7 GB/s issued, in %8\n%9")
      .arg(nearest->lane, toQt(model::stageName(point.stage)),
           grouped(static_cast<std::int64_t>(point.flops)),
           grouped(static_cast<std::int64_t>(point.issuedBytes)), fixed(point.intensity(), 2),
           shortNumber(point.gigaflopsPerSecond()), shortNumber(point.gigabytesPerSecond()),
           QString::fromStdString(model::millisecondsText(point.milliseconds)), m_ceilings);
}

}  // namespace headroom::pages
