#include "app/pages/charts/chart.h"

#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "app/session/trained_context.h"

namespace headroom::pages {

namespace {
constexpr int kLeastAbove = 4;
}

figures::FigureLane figureLane(const session::TraceStore& store, int lane, session::Color color) {
  const session::LaneTrace& trace = store.lane(lane);
  const session::LaneInfo& info = trace.info();
  return {.title = info.title,
          .color = color,
          .config = info.config,
          .options = trace.options(),
          .contextLength = info.contextLength,
          .device = info.deviceName,
          .note = info.note,
          .output = info.output,
          .parameterCount = info.parameterCount,
          .holdsCache = !info.card.isTrace};
}

Chart::Chart(const QString& title, const QString& explanation, QWidget* parent)
    : QCustomPlot(parent),
      m_title(new QCPTextElement(this, title)),
      m_titleText(title),
      m_explanation(inLines(explanation)) {
  plotLayout()->insertRow(0);
  plotLayout()->addElement(0, 0, m_title);
  plotLayout()->setRowSpacing(0);
  m_title->setTextFlags(Qt::AlignLeft | Qt::AlignVCenter);
  m_title->setMargins(QMargins(6, 3, 6, 0));
  axisRect()->setupFullAxesBox(false);
  axisRect()->setMinimumMargins(QMargins(4, kLeastAbove, 12, 2));
  // In a low chart the plot gives way, not what explains it.
  axisRect()->setMinimumSize(50, 10);
  for (QCPAxis* axis : {xAxis2, yAxis2}) axis->setVisible(false);
  setMouseTracking(true);
  setMinimumHeight(110);
  // As wide as its place in the row, whatever its title and numbers would like in whichever type.
  setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Expanding);
  m_marker = new QCPItemStraightLine(this);
  m_marker->setVisible(false);
  m_untrained = new QCPItemRect(this);
  m_trainedEdge = new QCPItemStraightLine(this);
  m_untrained->setVisible(false);
  m_untrained->setLayer("background");
  m_untrained->setPen(Qt::NoPen);
  for (QCPItemPosition* corner : {m_untrained->topLeft, m_untrained->bottomRight}) {
    corner->setTypeY(QCPItemPosition::ptAxisRectRatio);
  }
  m_trainedEdge->setVisible(false);
  setAppearance(m_appearance);
  // A tip that shows says what is drawn below it.
  connect(this, &QCustomPlot::afterReplot, this, [this] {
    if (QToolTip::isVisible() && underMouse()) showTip(m_tipAt);
  });
}

void Chart::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  const session::Palette& colors = appearance.palette();
  QFont small = font();
  small.setPixelSize(static_cast<int>(appearance.textSize() - 1.5f));
  QFont strong = font();
  strong.setPixelSize(static_cast<int>(appearance.textSize() - 1.0f));
  // The highest number of an axis stands half above it.
  QMargins margins = axisRect()->minimumMargins();
  margins.setTop(std::max(kLeastAbove, QFontMetrics(small).ascent() / 2 + 1));
  axisRect()->setMinimumMargins(margins);
  setBackground(toQt(colors.panel));
  m_title->setFont(strong);
  m_title->setTextColor(toQt(colors.text));
  for (QCPAxis* axis : {xAxis, yAxis}) {
    axis->setBasePen(QPen(toQt(colors.border)));
    axis->setTickPen(QPen(toQt(colors.border)));
    axis->setSubTickPen(Qt::NoPen);
    axis->setTickLabelColor(toQt(colors.textDim));
    axis->setLabelColor(toQt(colors.textDim));
    axis->setTickLabelFont(small);
    axis->setLabelFont(small);
    axis->setLabelPadding(1);
    axis->setTickLength(0, 3);
    axis->grid()->setPen(QPen(toQt(colors.border), 1, Qt::SolidLine));
    axis->grid()->setZeroLinePen(QPen(toQt(colors.border)));
    axis->ticker()->setTickCount(axis == xAxis ? 5 : 3);
  }
  legend->setFont(small);
  legend->setTextColor(toQt(colors.text));
  legend->setBrush(toQt(session::withAlpha(colors.panel, 0.85)));
  legend->setBorderPen(Qt::NoPen);
  // As high as its name, beside whose middle it then stands.
  legend->setIconSize(static_cast<int>(16.0f * appearance.scale()), QFontMetrics(small).height());
  legend->setRowSpacing(0);
  // One row, so that the plot keeps its height.
  legend->setFillOrder(QCPLayoutGrid::foColumnsFirst);
  legend->setMargins(QMargins(4, 2, 4, 2));
  m_marker->setPen(QPen(toQt(colors.accent), 1));
  m_untrained->setBrush(toQt(colors.untrained));
  m_trainedEdge->setPen(QPen(toQt(colors.text), 1));
  replot(QCustomPlot::rpQueuedReplot);
}

session::Color Chart::laneColor(const session::TraceStore& store, int lane) const {
  return m_appearance.palette().lane(store.lane(lane).info().request.colorIndex);
}

figures::FigureLane Chart::figureLane(const session::TraceStore& store, int lane) const {
  return pages::figureLane(store, lane, laneColor(store, lane));
}

QString Chart::laneTitle(const session::TraceStore& store, int lane) const {
  return QString::fromStdString(store.lane(lane).info().title);
}

double Chart::roundUp(double largest) {
  if (largest <= 0.0) return 1.0;
  const double decade = std::pow(10.0, std::floor(std::log10(largest)));
  for (const double step : {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0}) {
    if (step * decade >= largest * 1.02) return step * decade;
  }
  return 15.0 * decade;
}

void Chart::showLegend() {
  m_head = new QCPLayoutGrid;
  plotLayout()->take(m_title);
  plotLayout()->addElement(0, 0, m_head);
  plotLayout()->setRowStretchFactor(0, 0.001);
  m_head->addElement(0, 0, m_title);
  m_head->addElement(1, 1, legend);
  // Title and names begin at the left, the rest stays empty.
  m_head->addElement(0, 2, new QCPLayoutElement(this));
  m_head->setColumnStretchFactors({0.001, 0.001, 1.0});
  m_head->setRowStretchFactors({0.001, 0.001});
  m_head->setRowSpacing(0);
  legend->setVisible(true);
  placeLegend();
}

bool Chart::hasRoomBehindTitle(int pixels) const {
  const int title = QFontMetrics(m_title->font()).horizontalAdvance(m_title->text());
  return title + 24 + pixels <= width();
}

void Chart::placeLegend() {
  // Without names, and smaller than the title, it would narrow the title's row and column.
  const bool isEmpty = legend->itemCount() == 0;
  const bool behind = isEmpty || hasRoomBehindTitle(legend->minimumOuterSizeHint().width());
  const int row = behind && !isEmpty ? 0 : 1;
  const int column = behind ? 1 : 0;
  if (!m_head->hasElement(row, column)) m_head->addElement(row, column, legend);
}

void Chart::setTitle(const QString& title) {
  m_titleText = title;
  m_title->setText(title);
}

void Chart::setRemark(const QString& remark) {
  m_title->setText(remark.isEmpty() ? m_titleText : m_titleText + " \u00b7 " + remark);
}

void Chart::markPosition(double position) {
  m_marker->setVisible(position >= 0.0);
  m_marker->point1->setCoords(position, 0.0);
  m_marker->point2->setCoords(position, 1.0);
}

void Chart::markUntrained(const session::TraceStore& store) {
  markUntrained(session::untrainedFrom(store), store.contextLength());
}

void Chart::markUntrained(std::optional<int> from, double axisEnd) {
  m_untrainedFrom = from;
  m_untrained->setVisible(m_untrainedFrom.has_value());
  m_trainedEdge->setVisible(m_untrainedFrom.has_value());
  if (!m_untrainedFrom) return;
  m_untrained->topLeft->setCoords(*m_untrainedFrom, 0.0);
  m_untrained->bottomRight->setCoords(axisEnd, 1.0);
  m_trainedEdge->point1->setCoords(*m_untrainedFrom, 0.0);
  m_trainedEdge->point2->setCoords(*m_untrainedFrom, 1.0);
}

void Chart::resizeEvent(QResizeEvent* event) {
  QCustomPlot::resizeEvent(event);
  const int line = QFontMetrics(yAxis->tickLabelFont()).height();
  yAxis->ticker()->setTickCount(std::clamp(axisRect()->height() / (2 * line), 2, 3));
  if (m_head) placeLegend();
  replot(QCustomPlot::rpQueuedReplot);
}

void Chart::mouseMoveEvent(QMouseEvent* event) {
  QCustomPlot::mouseMoveEvent(event);
  showTip(event->pos());
}

void Chart::showTip(const QPoint& at) {
  m_tipAt = at;
  const double x = xAxis->pixelToCoord(at.x());
  QString values = axisRect()->rect().contains(at) ? valuesAt(x) : QString();
  if (m_untrainedFrom && x >= *m_untrainedFrom && !values.isEmpty()) {
    values += "\n" + QString::fromStdString(session::untrainedSentence(*m_untrainedFrom));
  }
  QToolTip::showText(mapToGlobal(at), values.isEmpty() ? m_explanation : values + "\n\n" + m_explanation,
                     this, rect());
}

}  // namespace headroom::pages
