#include "app/pages/heads/divergence_view.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "app/pages/colors.h"
#include "app/pages/texts.h"

namespace headroom::pages {

namespace {
constexpr double kMatrixMargin = 10.0;
constexpr double kMatrixGap = 10.0;

/// Nothing in common is the largest divergence that there is.
QColor divergenceColor(double divergence) {
  return toQt(session::colorOf(session::ColorMap::Viridis, divergence / std::numbers::ln2));
}
}  // namespace

DivergenceView::DivergenceView(const session::HeadBoard& board, QWidget* parent)
    : QWidget(parent), m_board(board) {
  setObjectName("divergenceView");
}

void DivergenceView::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  refresh();
}

void DivergenceView::refresh() {
  updateGeometry();
  update();
}

double DivergenceView::line() const {
  return 1.5 * static_cast<double>(m_appearance.textSize());
}

double DivergenceView::matrixSize(std::size_t entry) const {
  const int heads = m_board.entries()[entry].report.survey.divergences.headCount;
  return std::max(4.0, std::floor(104.0 / std::max(heads, 1))) * heads;
}

int DivergenceView::matricesPerRow(std::size_t entry) const {
  return std::max(
      1, static_cast<int>((width() - 2.0 * kMatrixMargin + kMatrixGap) / (matrixSize(entry) + kMatrixGap)));
}

double DivergenceView::topOf(std::size_t entry) const {
  double top = kMatrixMargin + 3.0 * line();
  for (std::size_t before = 0; before < entry; ++before) {
    const int layers = m_board.entries()[before].report.config.layerCount;
    const int rows = (layers + matricesPerRow(before) - 1) / matricesPerRow(before);
    top += 1.4 * line() + rows * (matrixSize(before) + line() + kMatrixGap) + 0.5 * line();
  }
  return top;
}

QRectF DivergenceView::matrixOf(std::size_t entry, int layer) const {
  const int columns = matricesPerRow(entry);
  const double size = matrixSize(entry);
  return {kMatrixMargin + layer % columns * (size + kMatrixGap),
          topOf(entry) + 2.4 * line() + layer / columns * (size + line() + kMatrixGap), size, size};
}

QSize DivergenceView::sizeHint() const {
  return {static_cast<int>(20.0 * line()), static_cast<int>(topOf(m_board.entries().size()) + kMatrixMargin)};
}

void DivergenceView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  updateGeometry();  // other widths hold other numbers of matrices side by side
}

QString DivergenceView::summaryOf(std::size_t entry) const {
  const session::HeadReport& report = m_board.entries()[entry].report;
  const auto [within, across] = analysis::summarise(report.survey.divergences, report.config.attention);
  const auto part = [](const char* what, const analysis::PairSummary& pairs) {
    return QString("%1 %2 \u00b1 %3").arg(what, fixed(pairs.mean, 3), fixed(pairs.deviation, 3));
  };
  QStringList parts;
  if (within.pairs > 0) parts << part("heads of one KV head", within);
  if (across.pairs > 0) parts << part("heads of different KV heads", across);
  return QString("%1: %2 (mean over %3 positions)")
      .arg(toQt(report.title), parts.join(", "), grouped(report.survey.divergences.rowCount));
}

void DivergenceView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const session::Palette& colors = m_appearance.palette();
  painter.fillRect(rect(), toQt(colors.panel));
  QFont type = font();
  type.setPixelSize(static_cast<int>(m_appearance.textSize()));
  painter.setFont(type);
  painter.setPen(toQt(colors.textDim));
  painter.drawText(
      QRectF(kMatrixMargin, 0.3 * line(), width() - 2.0 * kMatrixMargin, 3.0 * line()), Qt::TextWordWrap,
      "How unlike two heads of a layer look at the text: Jensen\u2013Shannon divergence of their "
      "attention, nats; 0 (dark) the same, 0.693 (bright) nothing in common. Heads in a frame read one "
      "KV head. \u00b1: standard deviation of the pairs.");
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    const session::HeadReport& report = m_board.entries()[entry].report;
    painter.setPen(toQt(colors.lane(report.lane.colorIndex)));
    painter.drawText(QRectF(kMatrixMargin, topOf(entry), width() - 2.0 * kMatrixMargin, line()),
                     Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(summaryOf(entry), Qt::ElideRight,
                                                      static_cast<int>(width() - 2.0 * kMatrixMargin)));
    for (int layer = 0; layer < report.config.layerCount; ++layer) paintMatrix(painter, entry, layer);
  }
}

void DivergenceView::paintMatrix(QPainter& painter, std::size_t entry, int layer) const {
  const session::Palette& colors = m_appearance.palette();
  const session::HeadReport& report = m_board.entries()[entry].report;
  const QRectF area = matrixOf(entry, layer);
  const model::AttentionShape& heads = report.config.attention;
  const double cell = area.width() / heads.queryHeadCount;
  painter.setPen(toQt(colors.textDim));
  painter.drawText(QRectF(area.left(), area.top() - line(), area.width(), line()), Qt::AlignVCenter,
                   QString("L%1").arg(layer));
  for (int head = 0; head < heads.queryHeadCount; ++head) {
    for (int other = 0; other < heads.queryHeadCount; ++other) {
      painter.fillRect(QRectF(area.left() + other * cell, area.top() + head * cell, cell, cell),
                       divergenceColor(report.survey.divergences.between(layer, head, other)));
    }
  }
  painter.setPen(QPen(toQt(colors.lane(report.lane.colorIndex)), 1.5));
  painter.setBrush(Qt::NoBrush);
  const double group = cell * heads.groupSize();
  for (int kvHead = 0; kvHead < heads.kvHeadCount; ++kvHead) {
    painter.drawRect(QRectF(area.left() + kvHead * group, area.top() + kvHead * group, group, group));
  }
}

std::optional<DivergenceView::Pair> DivergenceView::pairAt(QPointF point) const {
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    const session::HeadReport& report = m_board.entries()[entry].report;
    for (int layer = 0; layer < report.config.layerCount; ++layer) {
      const QRectF area = matrixOf(entry, layer);
      if (!area.contains(point)) continue;
      const double cell = area.width() / report.config.attention.queryHeadCount;
      const int last = report.config.attention.queryHeadCount - 1;
      return Pair{entry, layer, std::min(static_cast<int>((point.y() - area.top()) / cell), last),
                  std::min(static_cast<int>((point.x() - area.left()) / cell), last)};
    }
  }
  return std::nullopt;
}

bool DivergenceView::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const std::optional<Pair> pair = pairAt(help->pos());
  if (!pair) {
    QToolTip::hideText();
    return true;
  }
  const session::HeadReport& report = m_board.entries()[pair->entry].report;
  const auto name = [&](int head) { return toQt(model::headName({pair->layer, head})); };
  const model::AttentionShape& heads = report.config.attention;
  QToolTip::showText(
      help->globalPos(),
      QString("%1 %2 and %3: %4 nats\n%5; mean over %6 positions, computed")
          .arg(toQt(report.title), name(pair->head), name(pair->other),
               fixed(report.survey.divergences.between(pair->layer, pair->head, pair->other), 4),
               heads.kvHeadOf(pair->head) == heads.kvHeadOf(pair->other) ? "both read one KV head"
                                                                         : "they read different KV heads",
               grouped(report.survey.divergences.rowCount)),
      this);
  return true;
}

}  // namespace headroom::pages
