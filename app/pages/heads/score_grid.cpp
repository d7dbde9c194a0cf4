#include "app/pages/heads/score_grid.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "app/session/display_text.h"

namespace headroom::pages {

namespace {
constexpr double kMargin = 10.0;
constexpr double kGroupGap = 5.0;
constexpr int kLegendSteps = 64;
}  // namespace

ScoreGrid::ScoreGrid(const session::HeadBoard& board, QWidget* parent)
    : QWidget(parent), m_board(board), m_sought(soughtHeads(board).front()) {
  setObjectName("scoreGrid");
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);  // the menu key opens its menu
}

void ScoreGrid::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  refresh();
}

void ScoreGrid::refresh() {
  updateGeometry();
  update();
}

void ScoreGrid::setSought(const HeadSought& sought) {
  m_sought = sought;
  update();
}

void ScoreGrid::setChosen(std::optional<HeadRow> row) {
  m_chosen = row;
  update();
}

double ScoreGrid::line() const {
  return 1.5 * static_cast<double>(m_appearance.textSize());
}

double ScoreGrid::cellSize() const {
  int most = 1;
  for (const auto& entry : m_board.entries())
    most = std::max(most, entry.report.config.attention.queryHeadCount);
  // Few heads are large enough to point at, many still tell their colours.
  return std::clamp(26.0 * 12.0 / most, 9.0, 24.0) * static_cast<double>(m_appearance.textSize()) / 13.0;
}

double ScoreGrid::columnOf(const session::HeadReport& report, int queryHead) const {
  const int group = report.config.attention.kvHeadOf(queryHead);
  return kMargin + 2.2 * line() + queryHead * cellSize() + group * kGroupGap;
}

double ScoreGrid::topOf(std::size_t entry) const {
  double top = kMargin;
  for (std::size_t before = 0; before < entry; ++before) {
    top += 2.6 * line() + m_board.entries()[before].report.config.layerCount * cellSize();
  }
  return top;
}

QRectF ScoreGrid::cellOf(const HeadRow& row) const {
  const session::HeadReport& report = m_board.entries()[row.entry].report;
  const analysis::HeadSurvey::Head& head = report.survey.heads[row.head];
  return {columnOf(report, head.queryHead), topOf(row.entry) + 2.0 * line() + head.layer * cellSize(),
          cellSize() - 1.0, cellSize() - 1.0};
}

QSize ScoreGrid::sizeHint() const {
  double width = 16.0 * line();
  for (const auto& entry : m_board.entries()) {
    const int last = entry.report.config.attention.queryHeadCount - 1;
    width = std::max(width, columnOf(entry.report, last) + cellSize() + kMargin);
  }
  return {static_cast<int>(width), static_cast<int>(topOf(m_board.entries().size()) + 2.4 * line())};
}

std::optional<HeadRow> ScoreGrid::rowAt(QPointF point) const {
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    for (std::size_t head = 0; head < m_board.entries()[entry].report.survey.heads.size(); ++head) {
      if (cellOf({entry, head}).contains(point)) return HeadRow{entry, head};
    }
  }
  return std::nullopt;
}

session::Color ScoreGrid::Scale::colorOf(double share) const {
  return session::colorOf(low < 0.0 ? session::ColorMap::Diverging : session::ColorMap::Viridis, share);
}

ScoreGrid::Scale ScoreGrid::scale() const {
  Scale scale;
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    for (std::size_t head = 0; head < m_board.entries()[entry].report.survey.heads.size(); ++head) {
      const double value = m_sought.valueOf({entry, head});
      if (std::isnan(value)) continue;
      scale.isKnown = true;
      scale.low = std::min(scale.low, value);
      scale.high = std::max(scale.high, value);
    }
  }
  if (scale.low < 0.0) {
    scale.high = std::max(scale.high, -scale.low);
    scale.low = -scale.high;
  }
  return scale;
}

void ScoreGrid::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const session::Palette& colors = m_appearance.palette();
  painter.fillRect(rect(), toQt(colors.panel));
  if (m_board.entries().empty()) return;
  QFont type = font();
  type.setPixelSize(static_cast<int>(m_appearance.textSize()));
  painter.setFont(type);
  const Scale scale = this->scale();
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) paintBlock(painter, entry, scale);
  if (scale.isKnown) paintLegend(painter, scale);
}

void ScoreGrid::paintBlock(QPainter& painter, std::size_t entry, const Scale& scale) const {
  const session::Palette& colors = m_appearance.palette();
  const session::HeadReport& report = m_board.entries()[entry].report;
  const model::AttentionShape& heads = report.config.attention;
  const double top = topOf(entry);
  const auto textAt = [&](const QRectF& area, int flags, session::Color color, const QString& text) {
    painter.setPen(toQt(color));
    painter.drawText(area, flags, text);
  };
  textAt({kMargin, top, width() - 2.0 * kMargin, line()}, Qt::AlignVCenter,
         colors.lane(report.lane.colorIndex),
         QString("%1   %2").arg(toQt(report.title), toQt(session::headsText(heads))));
  // A bracket over the query heads of each KV head.
  painter.setPen(QPen(toQt(colors.lane(report.lane.colorIndex)), 2.0));
  for (int group = 0; group < heads.kvHeadCount; ++group) {
    const double left = columnOf(report, group * heads.groupSize());
    const double right = columnOf(report, (group + 1) * heads.groupSize() - 1) + cellSize() - 1.0;
    painter.drawLine(QPointF(left, top + 1.05 * line()), QPointF(right, top + 1.05 * line()));
  }
  const int every = cellSize() < 1.2 * line() ? 4 : 1;
  for (int head = 0; head < heads.queryHeadCount; head += every) {
    textAt({columnOf(report, head) - line(), top + 1.1 * line(), cellSize() + 2.0 * line(), 0.9 * line()},
           Qt::AlignCenter, colors.textDim, QString("H%1").arg(head));
  }
  const int everyLayer = cellSize() < line() ? 2 : 1;
  for (int layer = 0; layer < report.config.layerCount; layer += everyLayer) {
    textAt({kMargin, top + 2.0 * line() + layer * cellSize(), 2.0 * line(), cellSize()},
           Qt::AlignVCenter | Qt::AlignLeft, colors.textDim, QString("L%1").arg(layer));
  }
  for (std::size_t head = 0; head < report.survey.heads.size(); ++head) {
    const HeadRow row{entry, head};
    const QRectF cell = cellOf(row);
    const analysis::HeadSurvey::Head& of = report.survey.heads[head];
    const double value = m_sought.valueOf(row);
    if (std::isnan(value)) {
      painter.fillRect(cell, QBrush(toQt(colors.textDim), Qt::BDiagPattern));
    } else {
      painter.fillRect(cell, toQt(scale.colorOf(scale.shareOf(value))));
    }
    if (const model::HeadChange* change = m_board.changeOf(entry, {of.layer, of.queryHead})) {
      painter.setPen(QPen(toQt(colors.panel), 3.0));
      painter.drawLine(cell.topLeft(), cell.bottomRight());
      if (change->output == model::HeadOutput::Zero) painter.drawLine(cell.topRight(), cell.bottomLeft());
    }
    if (m_chosen != row) continue;
    painter.setPen(QPen(toQt(colors.accent), 2.0));
    painter.drawRect(cell.adjusted(-1.0, -1.0, 1.0, 1.0));
  }
}

void ScoreGrid::paintLegend(QPainter& painter, const Scale& scale) const {
  const double top = topOf(m_board.entries().size());
  const double left = kMargin + 2.2 * line();
  const double ramp = 6.0 * line();
  for (int step = 0; step < kLegendSteps; ++step) {
    painter.fillRect(QRectF(left + ramp * step / kLegendSteps, top, ramp / kLegendSteps + 1.0, 0.6 * line()),
                     toQt(scale.colorOf(step / (kLegendSteps - 1.0))));
  }
  painter.setPen(toQt(m_appearance.palette().textDim));
  const int decimals = scale.high > 0.0 && scale.high < 0.1 ? 4 : 2;
  const QString high = fixed(scale.high, decimals);
  painter.drawText(QRectF(left, top + 0.7 * line(), ramp, line()), Qt::AlignLeft,
                   scale.low < 0.0 ? "\u2212" + high : QString("0"));
  painter.drawText(QRectF(left, top + 0.7 * line(), ramp, line()), Qt::AlignRight, high);
  painter.drawText(QRectF(left + ramp + 0.6 * line(), top - 0.2 * line(), width() - left - ramp, line()),
                   Qt::AlignVCenter, m_sought.measure);
}

void ScoreGrid::mousePressEvent(QMouseEvent* event) {
  const std::optional<HeadRow> row = rowAt(event->position());
  if (row && event->button() == Qt::LeftButton) emit chosen(*row);
}

bool ScoreGrid::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const std::optional<HeadRow> row = rowAt(help->pos());
  if (!row) {
    QToolTip::hideText();
    return true;
  }
  const session::HeadReport& report = m_board.entries()[row->entry].report;
  const analysis::HeadSurvey::Head& head = report.survey.heads[row->head];
  QString tip = QString("%1 %2, reads KV head %3")
                    .arg(toQt(report.title), toQt(model::headName({head.layer, head.queryHead})))
                    .arg(head.kvHead);
  for (const analysis::HeadColumn& column : analysis::headColumns())
    tip += QString("\n%1: %2 (%3)").arg(column.title, numberText(column, head), column.formula);
  tip += "\nA right click exports the picture and its numbers.";
  QToolTip::showText(help->globalPos(), tip, this);
  return true;
}

}  // namespace headroom::pages
