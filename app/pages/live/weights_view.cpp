#include "app/pages/live/weights_view.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <utility>

#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "app/session/display_text.h"

namespace headroom::pages {

namespace {

constexpr double kMargin = 12.0;
constexpr double kGap = 10.0;

QString symbolOf(const analysis::WeightMatrix& matrix) {
  return toQt(matrix.symbol);
}

}  // namespace

WeightsView::WeightsView(QWidget* parent) : QWidget(parent) {
  setObjectName("weights");
  setMinimumHeight(110);
  setMouseTracking(true);
}

void WeightsView::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_small = font();
  m_small.setPixelSize(static_cast<int>(appearance.textSize() - 1.5f));
  place();
}

void WeightsView::refresh(const session::TraceStore& store) {
  const std::vector<Lane> before = std::exchange(m_lanes, {});
  const session::Palette& colors = m_appearance.palette();
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const session::LaneInfo& info = store.lane(lane).info();
    m_lanes.push_back({.title = QString::fromStdString(info.title),
                       .kind = QString::fromStdString(session::headsText(info.config.attention)),
                       .color = toQt(colors.lane(info.request.colorIndex)),
                       .layerCount = info.config.layerCount,
                       .heads = info.config.attention,
                       .geometry = analysis::weightGeometry(info.config, info.output, info.parameterCount)});
    const auto index = static_cast<std::size_t>(lane);
    if (index < before.size()) m_lanes.back().lit = before[index].lit;
  }
  place();
}

void WeightsView::showPointed(const session::TraceStore& store, const session::Selection& selection) {
  const int count = std::min(static_cast<int>(m_lanes.size()), store.laneCount());
  for (int lane = 0; lane < count; ++lane)
    m_lanes[static_cast<std::size_t>(lane)].lit = selection.litHeads(store, lane);
  update();
}

QRectF WeightsView::litColumns(const Drawn& matrix) const {
  const Lane& lane = m_lanes[static_cast<std::size_t>(matrix.lane)];
  const bool isQuery = matrix.matrix.symbol == "W_Q";
  if (!lane.lit || (!isQuery && !matrix.matrix.isSharedByHeads())) return {};
  const model::HeadRange heads = isQuery ? lane.lit->heads.query : lane.lit->heads.kv;
  const double head = matrix.area.width() / (isQuery ? lane.heads.queryHeadCount : lane.heads.kvHeadCount);
  return {matrix.area.left() + head * heads.first, matrix.area.top(), head * (heads.end - heads.first),
          matrix.area.height()};
}

std::optional<session::KvHeadAddress> WeightsView::kvHeadAt(QPointF point) const {
  for (const Drawn& matrix : m_drawn) {
    if (!matrix.matrix.isSharedByHeads() || !matrix.area.contains(point)) continue;
    const int heads = m_lanes[static_cast<std::size_t>(matrix.lane)].heads.kvHeadCount;
    const double share = (point.x() - matrix.area.left()) / matrix.area.width();
    return session::KvHeadAddress{matrix.lane, std::min(static_cast<int>(share * heads), heads - 1)};
  }
  return std::nullopt;
}

void WeightsView::mouseMoveEvent(QMouseEvent* event) {
  QWidget::mouseMoveEvent(event);
  emit kvHeadPointed(kvHeadAt(event->position()));
}

void WeightsView::leaveEvent(QEvent* event) {
  QWidget::leaveEvent(event);
  emit kvHeadPointed(std::nullopt);
}

QString WeightsView::label(const analysis::WeightMatrix& matrix) const {
  return QString("%1 \u00d7 %2").arg(grouped(matrix.rows), grouped(matrix.columns));
}

double WeightsView::rowHeight(const Lane& lane, double scale) const {
  double tallest = 0.0;
  for (const analysis::WeightMatrix& matrix : lane.geometry.matrices()) {
    tallest = std::max(tallest, static_cast<double>(matrix.columns));
  }
  // Above the drawing the lane's line, below it symbol and shape.
  return scale * tallest + 3.0 * QFontMetrics(m_small).lineSpacing() + kGap;
}

double WeightsView::rowWidth(const Lane& lane, double scale) const {
  const QFontMetrics metrics(m_small);
  double width = 0.0;
  for (const analysis::WeightMatrix& matrix : lane.geometry.matrices()) {
    width += std::max(scale * static_cast<double>(matrix.rows),
                      static_cast<double>(metrics.horizontalAdvance(label(matrix)))) +
             kGap;
  }
  return width;
}

void WeightsView::place() {
  m_drawn.clear();
  m_tops.clear();
  const auto fits = [&](double scale) {
    double height = 0.0;
    for (const Lane& lane : m_lanes) {
      height += rowHeight(lane, scale);
      if (rowWidth(lane, scale) > width() - 2.0 * kMargin) return false;
    }
    return height <= this->height() - kGap;
  };
  double scale = 0.0;
  for (double step = 1.0; step > 1e-7; step *= 0.5) {
    if (fits(scale + step)) scale += step;
  }
  const QFontMetrics metrics(m_small);
  double top = 2.0;
  for (std::size_t lane = 0; lane < m_lanes.size(); ++lane) {
    m_tops.push_back(top);
    double left = kMargin;
    for (const analysis::WeightMatrix& matrix : m_lanes[lane].geometry.matrices()) {
      const double across = std::max(scale * static_cast<double>(matrix.rows), 1.0);
      const double down = std::max(scale * static_cast<double>(matrix.columns), 1.0);
      m_drawn.push_back(
          {static_cast<int>(lane), matrix, {left, top + metrics.lineSpacing() + 2.0, across, down}});
      left += std::max(across, static_cast<double>(metrics.horizontalAdvance(label(matrix)))) + kGap;
    }
    top += rowHeight(m_lanes[lane], scale);
  }
  update();
}

void WeightsView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const session::Palette& colors = m_appearance.palette();
  const QRect ground = rect().adjusted(8, 0, -8, -8);
  painter.fillRect(ground, toQt(colors.panel));
  painter.setClipRect(ground);
  painter.setFont(m_small);
  for (std::size_t lane = 0; lane < m_lanes.size(); ++lane) paintLane(painter, m_lanes[lane], m_tops[lane]);
  const QFontMetrics metrics(m_small);
  for (const Drawn& matrix : m_drawn) {
    const QColor color = m_lanes[static_cast<std::size_t>(matrix.lane)].color;
    QColor fill = color;
    fill.setAlpha(matrix.matrix.isSharedByHeads() ? 200 : 55);
    painter.fillRect(matrix.area, fill);
    if (const QRectF lit = litColumns(matrix); !lit.isEmpty()) {
      painter.fillRect(lit, color);
      painter.setPen(QPen(toQt(colors.text), 1.5));
      painter.drawRect(lit);
    }
    painter.setPen(QPen(color, 1.0));
    painter.drawRect(matrix.area);
    painter.setPen(toQt(colors.text));
    const double below = matrix.area.bottom() + metrics.ascent() + 1.0;
    painter.drawText(QPointF(matrix.area.left(), below), symbolOf(matrix.matrix));
    painter.setPen(toQt(colors.textDim));
    painter.drawText(QPointF(matrix.area.left(), below + metrics.lineSpacing()), label(matrix.matrix));
  }
}

void WeightsView::paintLane(QPainter& painter, const Lane& lane, double top) const {
  const session::Palette& colors = m_appearance.palette();
  const QFontMetrics metrics(m_small);
  const double baseline = top + metrics.ascent();
  painter.setPen(lane.color);
  painter.drawText(QPointF(kMargin, baseline), lane.title);
  painter.setPen(toQt(colors.textDim));
  const QString facts = QString("%1, one of %2 layers, then what lies outside them. %3")
                            .arg(lane.kind)
                            .arg(lane.layerCount)
                            .arg(toQt(lane.geometry.attentionShareText()));
  const double left = kMargin + metrics.horizontalAdvance(lane.title) + kGap;
  painter.drawText(QPointF(left, baseline),
                   metrics.elidedText(facts, Qt::ElideRight, static_cast<int>(width() - kMargin - left)));
}

void WeightsView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  place();
}

bool WeightsView::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  QString tip =
      "Computed from the model's shape: d model width, H query heads, G KV heads, h head dimension.\nW_Q and "
      "W_O "
      "have d \u00d7 H h parameters, W_K and W_V d \u00d7 G h: only these shrink when heads share keys and "
      "values.\n"
      "All lanes have one scale; across is what a matrix gives, down is what it takes.";
  if (const auto head = kvHeadAt(help->pos())) {
    tip = QString("KV head %1: %2\n\n%3")
              .arg(head->kvHead)
              .arg(toQt(session::sharingSentence(m_lanes[static_cast<std::size_t>(head->lane)].heads,
                                                 head->kvHead)),
                   tip);
  }
  for (const Drawn& matrix : m_drawn) {
    if (!matrix.area.adjusted(-3, -3, 3, 3).contains(help->pos())) continue;
    tip = QString("%1 of %2: %3 = %4 parameters%5\n\n%6")
              .arg(symbolOf(matrix.matrix), m_lanes[static_cast<std::size_t>(matrix.lane)].title,
                   label(matrix.matrix), grouped(matrix.matrix.parameters()),
                   matrix.matrix.count > 1 ? QString(", %1 in all %2 layers")
                                                 .arg(grouped(matrix.matrix.parametersOfAll()))
                                                 .arg(matrix.matrix.count)
                                           : QString(),
                   tip);
    break;
  }
  QToolTip::showText(help->globalPos(), tip, this);
  return true;
}

}  // namespace headroom::pages
