#include "app/pages/heads/subspace_chart.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>

#include "app/pages/charts/series.h"
#include "app/pages/colors.h"
#include "app/pages/texts.h"

namespace headroom::pages {

namespace {
constexpr const char* kSubspaceNote =
    "How many directions keys (solid) and values (dashed) use, by layer, in the lanes' colours: effective "
    "rank, exp "
    "of the entropy of their singular values as shares, computed. Dotted: what it can be at most: KV heads "
    "\u00d7 "
    "head dim, the model's width, in the cache also the positions read. Sharing keys and values lowers it. A "
    "right click exports.";

QCPTextElement* plotTitle(QCustomPlot& plot) {
  return qobject_cast<QCPTextElement*>(plot.plotLayout()->element(0, 0));
}

QCustomPlot* makeRankPlot(const QString& name, const QString& title, QWidget* parent) {
  auto* plot = new QCustomPlot(parent);
  plot->setObjectName(name);
  plot->setMinimumSize(160, 140);
  plot->plotLayout()->insertRow(0);
  plot->plotLayout()->addElement(0, 0, new QCPTextElement(plot, title));
  plot->xAxis->setTicker(QSharedPointer<QCPAxisTickerFixed>::create());
  return plot;
}
}  // namespace

SubspaceChart::SubspaceChart(const session::HeadBoard& board, QWidget* parent)
    : QWidget(parent),
      m_board(board),
      m_note(new QLabel(kSubspaceNote, this)),
      m_weights(makeRankPlot("weightRanks", "Of W_K and W_V", this)),
      m_cache(makeRankPlot("cacheRanks", "Of keys and values in the cache", this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 4, 8, 4);
  m_note->setObjectName("subspaceNote");
  m_note->setWordWrap(true);
  m_note->setEnabled(false);
  layout->addWidget(m_note);
  auto* plots = new QHBoxLayout;
  plots->addWidget(m_weights, 1);
  plots->addWidget(m_cache, 1);
  layout->addLayout(plots, 1);
}

void SubspaceChart::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  const session::Palette& colors = appearance.palette();
  QFont small = font();
  small.setPixelSize(static_cast<int>(appearance.textSize() - 1.5f));
  for (QCustomPlot* plot : {m_weights, m_cache}) {
    plot->setBackground(toQt(colors.panel));
    plotTitle(*plot)->setFont(small);
    plotTitle(*plot)->setTextColor(toQt(colors.text));
    for (QCPAxis* axis : {plot->xAxis, plot->yAxis}) {
      axis->setBasePen(toQt(colors.border));
      axis->setTickPen(toQt(colors.border));
      axis->setSubTickPen(Qt::NoPen);
      axis->setTickLabelColor(toQt(colors.textDim));
      axis->setLabelColor(toQt(colors.textDim));
      axis->setTickLabelFont(small);
      axis->setLabelFont(small);
      axis->grid()->setPen(toQt(colors.border));
      axis->grid()->setZeroLinePen(toQt(colors.border));
    }
  }
  refresh();
}

void SubspaceChart::refresh() {
  showPlot(*m_weights, figures::SubspacesOf::Weights);
  showPlot(*m_cache, figures::SubspacesOf::Cache);
  QString left;
  for (const session::HeadBoard::Entry& entry : m_board.entries()) {
    const model::AttentionShape& heads = entry.report.config.attention;
    if (analysis::hasSubspaces(heads)) continue;
    left += QString(" %1 is left out: its keys have %2 columns, more than %3 are not taken apart.")
                .arg(toQt(entry.report.title), grouped(heads.kvHeadCount * heads.headDim),
                     grouped(analysis::kMostSubspaceColumns));
  }
  m_note->setText(kSubspaceNote + left);
}

void SubspaceChart::showPlot(QCustomPlot& plot, figures::SubspacesOf of) {
  const figures::LinePlot lines =
      figures::subspacePlot(subspaceLanes(m_board, m_appearance.palette().lanes), of);
  plot.clearGraphs();
  for (const figures::Series& series : lines.series) {
    QCPGraph* graph = plot.addGraph();
    graph->setPen(penOf(series, 2.0));
    graph->setScatterStyle(QCPScatterStyle(lookOf(series.mark).shape, 4.0));
    setPoints(*graph, series);
  }
  plot.xAxis->setLabel(toQt(lines.x.label));
  plot.yAxis->setLabel(toQt(lines.y.label));
  plot.xAxis->setRange(lines.x.low - 0.3, lines.x.high + 0.3);
  plot.yAxis->setRange(lines.y.low, lines.y.high);
  plot.replot(QCustomPlot::rpQueuedReplot);
}

std::vector<figures::SubspaceLane> subspaceLanes(const session::HeadBoard& board,
                                                 std::span<const session::Color> colors) {
  std::vector<figures::SubspaceLane> lanes;
  for (const session::HeadBoard::Entry& entry : board.entries()) {
    const session::HeadReport& report = entry.report;
    lanes.push_back({.title = report.title,
                     .model = report.config.name,
                     .color = colors[static_cast<std::size_t>(report.lane.colorIndex) % colors.size()],
                     .positions = static_cast<int>(report.tokens.size()),
                     .weights = report.weights,
                     .cached = report.survey.cached});
  }
  return lanes;
}

}  // namespace headroom::pages
