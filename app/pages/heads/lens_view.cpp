#include "app/pages/heads/lens_view.h"

#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTableWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "app/pages/colors.h"
#include "app/pages/heads/color_cells.h"
#include "app/pages/heads/lane_box.h"
#include "app/pages/texts.h"
#include "app/session/display_text.h"

namespace headroom::pages {

namespace {
constexpr const char* kLensIntroduction =
    "<h3>What would the model say if it ended here?</h3>"
    "<p>Read layers feeds what the lane has read to its model once more, up to the position looked at, and "
    "reads the most likely next token off after every layer. Early layers guess, late layers decide: this "
    "shows where.</p>"
    "<p>The values between layers are captured; the last norm and the output matrix make tokens of them, "
    "computed in 64-bit numbers on the processor (the logit lens, nostalgebraist 2020).</p>";

/// Columns of the table below the grid.
enum DetailColumn { After, NextRank, NextProbability, Entropy, FirstLikely };

QTableWidgetItem* numberItem(const QString& text) {
  auto* item = new QTableWidgetItem(text);
  item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
  return item;
}
}  // namespace

LensView::LensView(session::InsideBoard& board, session::Selection& selection, QWidget* parent)
    : InsideView(board, "lens", kLensIntroduction, parent),
      m_selection(selection),
      m_lanes(new LaneBox(board.store(), selection, this)),
      m_read(new QPushButton("Read layers", this)),
      m_grid(new QTableWidget(this)),
      m_cells(new ColorCells(*m_grid)),
      m_chosen(new QLabel(this)),
      m_detail(new QTableWidget(this)) {
  addControl(m_read, "readLens",
             QString("Reads at most %1 positions, up to the one looked at, off after every layer. Decoding "
                     "pauses meanwhile.")
                 .arg(session::LensStudy::kMostPositions));
  addControl(m_lanes, "lensLane", "Whose layers are read: the lane of the chosen head, or another one");
  addTableButtons();
  auto* splitter = new QSplitter(Qt::Vertical, this);
  splitter->setChildrenCollapsible(false);
  auto* below = new QWidget(splitter);
  auto* belowRows = new QVBoxLayout(below);
  belowRows->setContentsMargins(0, 0, 0, 0);
  belowRows->setSpacing(2);
  m_chosen->setObjectName("lensChosen");
  m_chosen->setContentsMargins(8, 2, 8, 2);
  m_chosen->setTextFormat(Qt::PlainText);
  m_chosen->setWordWrap(true);
  belowRows->addWidget(m_chosen);
  belowRows->addWidget(m_detail, 1);
  splitter->addWidget(m_grid);
  splitter->addWidget(below);
  splitter->setStretchFactor(0, 1);
  splitter->setStretchFactor(1, 1);
  results()->addWidget(splitter);

  m_grid->setObjectName("lensGrid");
  m_grid->setSelectionMode(QAbstractItemView::NoSelection);
  makeQuiet(*m_grid);
  m_grid->horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_detail->setObjectName("lensDetail");
  m_detail->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_detail->setSelectionMode(QAbstractItemView::SingleSelection);
  m_detail->setAlternatingRowColors(true);
  makeQuiet(*m_detail);
  m_detail->verticalHeader()->hide();

  connect(m_read, &QPushButton::clicked, this, [this] { m_board.readLens(m_lanes->lane()); });
  connect(m_grid, &QTableWidget::currentCellChanged, this, [this](int layer, int column, int, int) {
    if (layer < 0) return;
    chooseColumn(column);
    m_detail->selectRow(layer);
  });
  connect(m_lanes, &LaneBox::laneChanged, this, &LensView::refreshControls);
  connect(&board, &session::InsideBoard::lensRead, this, &LensView::refresh);
  connect(&board, &session::InsideBoard::lanesChanged, this, [this] {
    showResults(m_board.lens().has_value());
    refreshControls();
  });
  connect(&board, &session::InsideBoard::studyingChanged, this, &LensView::refreshControls);
  connect(&board.store(), &session::TraceStore::changed, this, &LensView::refreshControls);
  connect(&selection, &session::Selection::changed, this, &LensView::followSelection);
  refresh();
}

void LensView::refreshControls() {
  m_read->setEnabled(m_board.canAsk(m_lanes->lane()));
  emit summaryChanged();
}

QString LensView::layerName(int layer) const {
  return layer == 0 ? QString("Before L0") : QString("After L%1").arg(layer - 1);
}

QString LensView::tokenAt(int position) const {
  const session::ReadText& text = m_board.lens()->text;
  return toQt(m_board.labelOf(text.lane, text.tokens[static_cast<std::size_t>(position)]));
}

QString LensView::summary() const {
  if (!m_board.lens()) return {};
  const session::LensReport& report = *m_board.lens();
  QString text = QString(
                     "%1, positions %2 to %3%4. The values between layers were computed by %5, tokens and "
                     "probabilities of "
                     "them in 64-bit numbers on the processor. Dark is improbable, yellow certain.")
                     .arg(toQt(report.title), grouped(report.first), grouped(report.text.position),
                          report.isWhole ? "" : " (stopped before its end)", toQt(report.deviceName));
  return text + staleNote(report.text);
}

void LensView::refresh() {
  const bool isThere = m_board.lens().has_value();
  showResults(isThere);
  if (isThere) {
    const session::LensReport& report = *m_board.lens();
    m_position = report.text.position;
    fillGrid();
    fillDetail();
  }
  refreshControls();
}

void LensView::fillGrid() {
  const session::LensReport& report = *m_board.lens();
  const QSignalBlocker quiet(m_grid);
  m_grid->clear();
  m_grid->setRowCount(report.layerCount + 1);
  m_grid->setColumnCount(report.positions());
  QStringList layers, tokens;
  for (int layer = 0; layer <= report.layerCount; ++layer) layers << layerName(layer);
  for (int at = report.first; at <= report.text.position; ++at) tokens << tokenAt(at);
  m_grid->setVerticalHeaderLabels(layers);
  m_grid->setHorizontalHeaderLabels(tokens);
  for (int at = report.first; at <= report.text.position; ++at) {
    const int next = report.text.nextOf(at);
    m_grid->horizontalHeaderItem(at - report.first)
        ->setToolTip(QString("Position %1: %2").arg(grouped(at)).arg(tokenAt(at)));
    for (int layer = 0; layer <= report.layerCount; ++layer) {
      const session::LensCell& cell = report.at(layer, at);
      if (cell.top.empty()) continue;
      const model::Candidate& likely = cell.top.front();
      const QString label = toQt(m_board.labelOf(report.text.lane, likely.token));
      auto* item = new QTableWidgetItem(label);
      const auto probability = static_cast<double>(likely.probability);
      item->setData(ColorCells::kGroundRole, toQt(session::colorOf(session::ColorMap::Viridis, probability)));
      QString tip = QString("%1, behind position %2 (%3):\n%4 with probability %5")
                        .arg(layerName(layer), grouped(at), tokenAt(at), label, fixed(probability, 3));
      if (next >= 0) {
        tip += QString("\n%1, which came next, is number %2 with %3")
                   .arg(toQt(m_board.labelOf(report.text.lane, next)), grouped(cell.nextRank),
                        fixed(cell.nextProbability, 3));
      }
      item->setToolTip(tip);
      m_grid->setItem(layer, at - report.first, item);
    }
  }
  const int column = m_position - report.first;
  m_grid->setCurrentCell(report.layerCount, column);
  m_cells->setColumn(column);
  setAppearance(m_appearance);
  m_grid->scrollTo(m_grid->currentIndex());
}

void LensView::fillDetail() {
  const session::LensReport& report = *m_board.lens();
  const int next = report.text.nextOf(m_position);
  const QString nextLabel = toQt(session::quoted(m_board.labelOf(report.text.lane, next)));
  const bool isRead = m_position + 1 < report.text.fed;
  m_chosen->setText(QString("Behind position %1, %2.%3")
                        .arg(grouped(m_position), toQt(session::quoted(tokenAt(m_position).toStdString())),
                             next < 0 ? QString(" What came next is not known yet.")
                             : isRead ? QString(" %1 came next.").arg(nextLabel)
                                      : QString(" The lane has chosen %1 to come next.").arg(nextLabel)));
  QStringList titles{"Layers", "Rank of next", "Its probability", "Entropy (nats)"};
  for (int rank = 1; rank <= session::LensStudy::kTokens; ++rank) titles << QString("Number %1").arg(rank);
  m_detail->clear();
  m_detail->setColumnCount(static_cast<int>(titles.size()));
  m_detail->setRowCount(report.layerCount + 1);
  m_detail->setHorizontalHeaderLabels(titles);
  m_detail->horizontalHeaderItem(NextRank)->setToolTip(
      "Place of the token that came next among all tokens, the most likely first");
  m_detail->horizontalHeaderItem(Entropy)->setToolTip("How undecided it is: 0 is one token with certainty");
  for (int layer = 0; layer <= report.layerCount; ++layer) {
    const session::LensCell& cell = report.at(layer, m_position);
    m_detail->setItem(layer, After, new QTableWidgetItem(layerName(layer)));
    if (cell.top.empty()) continue;
    m_detail->setItem(layer, NextRank, numberItem(next < 0 ? "\u2013" : grouped(cell.nextRank)));
    m_detail->setItem(layer, NextProbability,
                      numberItem(next < 0 ? "\u2013" : fixed(cell.nextProbability, 4)));
    m_detail->setItem(layer, Entropy, numberItem(fixed(static_cast<double>(cell.entropy), 3)));
    for (std::size_t rank = 0; rank < cell.top.size(); ++rank) {
      m_detail->setItem(layer, FirstLikely + static_cast<int>(rank),
                        new QTableWidgetItem(QString("%1  %2").arg(
                            toQt(m_board.labelOf(report.text.lane, cell.top[rank].token)),
                            fixed(static_cast<double>(cell.top[rank].probability), 3))));
    }
  }
  m_detail->resizeColumnsToContents();
  m_detail->selectRow(std::max(0, m_grid->currentRow()));
}

void LensView::chooseColumn(int column) {
  const session::LensReport& report = *m_board.lens();
  m_position = report.first + column;
  m_cells->setColumn(column);
  fillDetail();
  if (m_board.isCurrent(report.text)) m_selection.setPosition(m_position);
}

void LensView::followSelection() {
  if (!m_board.lens() || !m_selection.position()) return;
  const session::LensReport& report = *m_board.lens();
  const int position = *m_selection.position();
  if (position == m_position || position < report.first || position > report.text.position) return;
  if (!m_board.isCurrent(report.text)) return;
  m_grid->setCurrentCell(std::max(0, m_grid->currentRow()), position - report.first);
}

void LensView::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_cells->setAppearance(appearance);
  const int row = static_cast<int>(1.7f * appearance.textSize());
  for (QTableWidget* table : {m_grid, m_detail}) table->verticalHeader()->setDefaultSectionSize(row);
  m_grid->horizontalHeader()->setDefaultSectionSize(static_cast<int>(6.0f * appearance.textSize()));
}

}  // namespace headroom::pages
