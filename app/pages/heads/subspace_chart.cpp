#include "app/pages/heads/subspace_chart.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>
#include <algorithm>

#include "app/pages/colors.h"
#include "app/pages/texts.h"

namespace headroom::pages {

namespace {
constexpr const char* kSubspaceNote =
    "How many directions keys (solid) and values (dashed) use, by layer, in the lanes' colours: effective "
    "rank, exp "
    "of the entropy of their singular values as shares, computed. Dotted: what it can be at most: KV heads "
    "\u00d7 "
    "head dim, the model's width, in the cache also the positions read. Sharing keys and values lowers it.";

QCPTextElement* plotTitle(QCustomPlot& plot) {
  return qobject_cast<QCPTextElement*>(plot.plotLayout()->element(0, 0));
}

QCustomPlot* makeRankPlot(const QString& name, const QString& title, QWidget* parent) {
  auto* plot = new QCustomPlot(parent);
  plot->setObjectName(name);
  plot->setMinimumSize(160, 140);
  plot->plotLayout()->insertRow(0);
  plot->plotLayout()->addElement(0, 0, new QCPTextElement(plot, title));
  plot->xAxis->setLabel("layer");
  plot->yAxis->setLabel("effective rank");
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
  refreshPlot(*m_weights, false);
  refreshPlot(*m_cache, true);
  QString left;
  for (const session::HeadBoard::Entry& entry : m_board.entries()) {
    if (!analysis::hasSubspaces(entry.report.config.attention)) {
      left +=
          QString(" %1 is left out: its keys have %2 columns, more than %3 are not taken apart.")
              .arg(toQt(entry.report.title),
                   grouped(entry.report.config.attention.kvHeadCount * entry.report.config.attention.headDim),
                   grouped(analysis::kMostSubspaceColumns));
    }
  }
  m_note->setText(kSubspaceNote + left);
}

void SubspaceChart::refreshPlot(QCustomPlot& plot, bool ofCache) {
  plot.clearGraphs();
  double most = 1.0;
  int layers = 1;
  const auto add = [&](const QColor& color, Qt::PenStyle style, const auto& layersOf, const auto& valueOf) {
    QCPGraph* graph = plot.addGraph();
    graph->setPen(QPen(color, style == Qt::DotLine ? 1.0 : 2.0, style));
    if (style != Qt::DotLine) graph->setScatterStyle(QCPScatterStyle(QCPScatterStyle::ssDisc, 4.0));
    for (std::size_t layer = 0; layer < layersOf.size(); ++layer) {
      const double value = valueOf(layersOf[layer]);
      graph->addData(static_cast<double>(layer), value);
      most = std::max(most, value);
      layers = std::max(layers, static_cast<int>(layer));
    }
  };
  using Layer = analysis::LayerSubspaces;
  for (const session::HeadBoard::Entry& entry : m_board.entries()) {
    const QColor color = toQt(m_appearance.palette().lane(entry.report.lane.colorIndex));
    const std::vector<Layer>& of = ofCache ? entry.report.survey.cached : entry.report.weights;
    add(color, Qt::SolidLine, of, [](const Layer& layer) { return layer.keys.effectiveRank(); });
    add(color, Qt::DashLine, of, [](const Layer& layer) { return layer.values.effectiveRank(); });
    add(color, Qt::DotLine, of, [](const Layer& layer) { return static_cast<double>(layer.keys.bound); });
  }
  plot.xAxis->setRange(-0.3, layers + 0.3);
  plot.yAxis->setRange(0.0, 1.06 * most);
  plot.replot(QCustomPlot::rpQueuedReplot);
}

}  // namespace headroom::pages
