#include "app/pages/heads/pair_matrices.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "app/figures/head_figures.h"
#include "app/pages/colors.h"
#include "app/pages/texts.h"

namespace headroom::pages {

namespace {
constexpr double kMatrixMargin = 10.0;
constexpr double kMatrixGap = 10.0;
constexpr int kPairLegendSteps = 64;
}  // namespace

PairMatrices::PairMatrices(const session::HeadBoard& board, QWidget* parent)
    : QWidget(parent), m_board(board), m_comparison(&analysis::headComparisons().front()) {
  setObjectName("pairMatrices");
  setFocusPolicy(Qt::StrongFocus);  // the menu key opens its menu
}

void PairMatrices::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  refresh();
}

void PairMatrices::setComparison(const analysis::HeadComparison& comparison) {
  m_comparison = &comparison;
  refresh();
}

void PairMatrices::refresh() {
  updateGeometry();
  update();
}

double PairMatrices::line() const {
  return 1.5 * static_cast<double>(m_appearance.textSize());
}

QFont PairMatrices::type() const {
  QFont type = font();
  type.setPixelSize(static_cast<int>(m_appearance.textSize()));
  return type;
}

int PairMatrices::headCount(std::size_t entry) const {
  return analysis::headCountOf(*m_comparison, m_board.entries()[entry].report.config.attention);
}

int PairMatrices::layerCount(std::size_t entry) const {
  const session::HeadReport& report = m_board.entries()[entry].report;
  return analysis::hasComparison(report.survey, *m_comparison) ? report.config.layerCount : 0;
}

double PairMatrices::matrixSize(std::size_t entry) const {
  const int heads = headCount(entry);
  return std::max(4.0, std::floor(104.0 / std::max(heads, 1))) * heads;
}

int PairMatrices::matricesPerRow(std::size_t entry) const {
  return std::max(
      1, static_cast<int>((width() - 2.0 * kMatrixMargin + kMatrixGap) / (matrixSize(entry) + kMatrixGap)));
}

double PairMatrices::summaryHeight(std::size_t entry) const {
  const QRect room(0, 0, std::max(1, static_cast<int>(width() - 2.0 * kMatrixMargin)), 10000);
  return QFontMetrics(type()).boundingRect(room, Qt::TextWordWrap, summaryOf(entry)).height() + 0.3 * line();
}

double PairMatrices::topOf(std::size_t entry) const {
  double top = kMatrixMargin + 1.9 * line();
  for (std::size_t before = 0; before < entry; ++before) {
    const int rows = (layerCount(before) + matricesPerRow(before) - 1) / matricesPerRow(before);
    top += summaryHeight(before) + rows * (matrixSize(before) + line() + kMatrixGap) + 0.5 * line();
  }
  return top;
}

QRectF PairMatrices::matrixOf(std::size_t entry, int layer) const {
  if (layer >= layerCount(entry)) return {};
  const int columns = matricesPerRow(entry);
  const double size = matrixSize(entry);
  return {kMatrixMargin + layer % columns * (size + kMatrixGap),
          topOf(entry) + summaryHeight(entry) + line() + layer / columns * (size + line() + kMatrixGap), size,
          size};
}

QSize PairMatrices::sizeHint() const {
  return {static_cast<int>(16.0 * line()), static_cast<int>(topOf(m_board.entries().size()) + kMatrixMargin)};
}

void PairMatrices::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  updateGeometry();  // other widths hold other numbers of matrices side by side
}

QString PairMatrices::summaryOf(std::size_t entry) const {
  const session::HeadReport& report = m_board.entries()[entry].report;
  const QString summary = QString("%1: %2").arg(
      toQt(report.title), toQt(figures::pairsSummary(report.survey, *m_comparison, report.config.attention)));
  if (layerCount(entry) == 0) return summary + ".";
  return QString("%1; over %2 positions.")
      .arg(summary, grouped((report.survey.*m_comparison->pairs).rowCount));
}

void PairMatrices::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const session::Palette& colors = m_appearance.palette();
  painter.fillRect(rect(), toQt(colors.panel));
  painter.setFont(type());
  paintLegend(painter);
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    const session::HeadReport& report = m_board.entries()[entry].report;
    painter.setPen(toQt(colors.lane(report.lane.colorIndex)));
    painter.drawText(QRectF(kMatrixMargin, topOf(entry), width() - 2.0 * kMatrixMargin, summaryHeight(entry)),
                     Qt::TextWordWrap, summaryOf(entry));
    for (int layer = 0; layer < layerCount(entry); ++layer) paintMatrix(painter, entry, layer);
  }
}

void PairMatrices::paintLegend(QPainter& painter) const {
  const double ramp = 6.0 * line();
  const double top = kMatrixMargin;
  const auto number = [](double value) {
    return (value < 0.0 ? QString("\u2212") : QString()) + toQt(model::shortText(std::abs(value)));
  };
  const QString low = m_comparison->low == 0.0 ? QString("0") : number(m_comparison->low);
  const QFontMetricsF metrics(painter.font());
  const double left = kMatrixMargin + metrics.horizontalAdvance(low) + 0.4 * line();
  for (int step = 0; step < kPairLegendSteps; ++step) {
    painter.fillRect(QRectF(left + ramp * step / kPairLegendSteps, top + 0.2 * line(),
                            ramp / kPairLegendSteps + 1.0, 0.6 * line()),
                     toQt(analysis::colorOf(m_comparison->colors, step / (kPairLegendSteps - 1.0))));
  }
  painter.setPen(toQt(m_appearance.palette().textDim));
  painter.drawText(QRectF(kMatrixMargin, top, left, line()), Qt::AlignVCenter, low);
  painter.drawText(QRectF(left + ramp + 0.4 * line(), top, std::max(0.0, width() - left - ramp), line()),
                   Qt::AlignVCenter,
                   QString("%1   %2").arg(number(m_comparison->high), QString(m_comparison->measure)));
}

void PairMatrices::paintMatrix(QPainter& painter, std::size_t entry, int layer) const {
  const session::Palette& colors = m_appearance.palette();
  const session::HeadReport& report = m_board.entries()[entry].report;
  const analysis::HeadPairs& pairs = report.survey.*m_comparison->pairs;
  const QRectF area = matrixOf(entry, layer);
  const int heads = headCount(entry);
  const double cell = area.width() / heads;
  painter.setPen(toQt(colors.textDim));
  painter.drawText(QRectF(area.left(), area.top() - line(), area.width(), line()), Qt::AlignVCenter,
                   QString("L%1").arg(layer));
  for (int head = 0; head < heads; ++head) {
    for (int other = 0; other < heads; ++other) {
      const QRectF place(area.left() + other * cell, area.top() + head * cell, cell, cell);
      const double value = pairs.between(layer, head, other);
      if (std::isnan(value)) {
        painter.fillRect(place, QBrush(toQt(colors.textDim), Qt::BDiagPattern));
      } else {
        painter.fillRect(place, toQt(analysis::colorOf(*m_comparison, value)));
      }
    }
  }
  painter.setPen(QPen(toQt(colors.lane(report.lane.colorIndex)), 1.5));
  painter.setBrush(Qt::NoBrush);
  const int groups = m_comparison->isOfQueryHeads ? report.config.attention.kvHeadCount : 1;
  const double group = area.width() / groups;
  for (int kvHead = 0; kvHead < groups; ++kvHead) {
    painter.drawRect(QRectF(area.left() + kvHead * group, area.top() + kvHead * group, group, group));
  }
}

std::optional<PairMatrices::Pair> PairMatrices::pairAt(QPointF point) const {
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    for (int layer = 0; layer < layerCount(entry); ++layer) {
      const QRectF area = matrixOf(entry, layer);
      if (!area.contains(point)) continue;
      const int heads = headCount(entry);
      const double cell = area.width() / heads;
      return Pair{entry, layer, std::min(static_cast<int>((point.y() - area.top()) / cell), heads - 1),
                  std::min(static_cast<int>((point.x() - area.left()) / cell), heads - 1)};
    }
  }
  return std::nullopt;
}

QString PairMatrices::tipAt(QPointF point) const {
  const std::optional<Pair> pair = pairAt(point);
  if (!pair) return {};
  const session::HeadReport& report = m_board.entries()[pair->entry].report;
  const analysis::HeadPairs& pairs = report.survey.*m_comparison->pairs;
  const model::AttentionShape& heads = report.config.attention;
  const double value = pairs.between(pair->layer, pair->head, pair->other);
  const QString number = std::isnan(value)
                             ? QString("there is none")
                             : (value < 0.0 ? QString("\u2212") : QString()) + fixed(std::abs(value), 4);
  const auto name = [&](int head) {
    return m_comparison->isOfQueryHeads ? toQt(model::headName({pair->layer, head}))
                                        : QString("L%1KV%2").arg(pair->layer).arg(head);
  };
  const QString shared = !m_comparison->isOfQueryHeads ? QString()
                         : heads.kvHeadOf(pair->head) == heads.kvHeadOf(pair->other)
                             ? QString("\nBoth read one KV head.")
                             : QString("\nThey read different KV heads.");
  return QString("%1 %2 and %3\n%4: %5%6\nOver %7 positions, computed.")
      .arg(toQt(report.title), name(pair->head), name(pair->other), QString(m_comparison->measure), number,
           shared, grouped(pairs.rowCount));
}

bool PairMatrices::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const QString tip = tipAt(help->pos());
  if (tip.isEmpty()) {
    QToolTip::hideText();
  } else {
    QToolTip::showText(help->globalPos(), tip, this);
  }
  return true;
}

}  // namespace headroom::pages
