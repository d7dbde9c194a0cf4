#include "app/pages/heads/attribution_view.h"

#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QTableWidget>
#include <QVBoxLayout>

#include "app/pages/heads/bar_cells.h"
#include "app/pages/heads/color_cells.h"
#include "app/pages/heads/lane_box.h"
#include "app/pages/texts.h"
#include "app/session/display_text.h"

namespace headroom::pages {

namespace {
constexpr const char* kAttributionIntroduction =
    "<h3>What made the model say that?</h3>"
    "<p>A model adds up what its parts write: the embedding, every head, every layer's feed-forward network. "
    "The output matrix turns the sum into a number for each token, its logit; the largest is the most "
    "likely. "
    "Find what adds takes the sum apart again for the token that came next at the position looked at.</p>"
    "<p>Choose or type a second token to see what made the model prefer one to the other.</p>"
    "<p>What is counted is what a part adds by itself, not what later layers make of it; computed in 64-bit "
    "numbers on the processor (direct logit attribution, Elhage et al. 2021).</p>";

constexpr int kNoToken = -1;

enum PartColumn { Part, KvHead, Adds, Bar, PartColumnCount };
}  // namespace

AttributionView::AttributionView(session::InsideBoard& board, session::Selection& selection, QWidget* parent)
    : InsideView(board, "attribution", kAttributionIntroduction, parent),
      m_selection(selection),
      m_find(new QPushButton("Find what adds", this)),
      m_lanes(new LaneBox(board.store(), selection, this)),
      m_other(new QuietComboBox(this)),
      m_total(new QLabel(this)),
      m_table(new QTableWidget(0, PartColumnCount, this)),
      m_bars(new BarCells(*m_table, Bar)) {
  addControl(m_find, "findAttribution",
             "Takes the logit of the token that came next at the position looked at apart; at the newest "
             "position that of the most likely one. Decoding pauses meanwhile.");
  addControl(m_lanes, "attributionLane", "Whose parts: the lane of the chosen head, or another one");
  m_other->setEditable(true);
  m_other->setInsertPolicy(QComboBox::NoInsert);
  m_other->setMinimumContentsLength(18);
  m_other->lineEdit()->setPlaceholderText("compared with nothing");
  addControl(
      m_other, "attributionOther",
      "A second token, whose logit is taken away: chosen from the most likely ones, or typed; it has to "
      "be one token, and one that begins a word often begins with a space");
  addTableButtons();
  m_total->setObjectName("attributionTotal");
  m_total->setWordWrap(true);
  m_total->setTextFormat(Qt::PlainText);
  m_total->setContentsMargins(8, 2, 8, 2);
  results()->addWidget(m_total);
  results()->addWidget(m_table, 1);
  m_table->setObjectName("attributionTable");
  m_table->setHorizontalHeaderLabels({"Part", "Reads", "Adds", ""});
  m_table->horizontalHeaderItem(KvHead)->setToolTip("The KV head whose keys and values the head reads");
  m_table->horizontalHeaderItem(Adds)->setToolTip(
      "To the logit, or to the difference of the two, through the last norm and the output matrix");
  m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_table->setSelectionMode(QAbstractItemView::SingleSelection);
  m_table->setAlternatingRowColors(true);
  makeQuiet(*m_table);
  m_table->verticalHeader()->hide();
  m_table->horizontalHeader()->setStretchLastSection(true);

  connect(m_find, &QPushButton::clicked, this, &AttributionView::ask);
  connect(m_other, &QComboBox::activated, this, &AttributionView::chooseOther);
  connect(m_other->lineEdit(), &QLineEdit::returnPressed, this, &AttributionView::ask);
  connect(m_table, &QTableWidget::currentCellChanged, this, [this](int row, int, int, int) { choose(row); });
  connect(m_lanes, &LaneBox::laneChanged, this, &AttributionView::refreshControls);
  connect(&board, &session::InsideBoard::attributionFound, this, &AttributionView::refresh);
  connect(&board, &session::InsideBoard::lanesChanged, this, [this] {
    showResults(m_board.attribution().has_value());
    refreshControls();
  });
  connect(&board, &session::InsideBoard::studyingChanged, this, &AttributionView::refreshControls);
  connect(&board.store(), &session::TraceStore::changed, this, &AttributionView::refreshControls);
  connect(&selection, &session::Selection::changed, this, &AttributionView::followSelection);
  refresh();
}

void AttributionView::ask() {
  const QString typed = m_other->currentText();
  const bool isChosen = m_otherToken && typed == m_otherLabel;
  m_board.attribute(m_lanes->lane(), isChosen ? m_otherToken : std::nullopt, typed.toStdString());
}

void AttributionView::chooseOther(int index) {
  m_otherLabel = m_other->itemText(index);
  m_otherToken = m_other->itemData(index).toInt();
  if (m_otherToken == kNoToken) m_otherToken.reset();
}

void AttributionView::showEvent(QShowEvent* event) {
  InsideView::showEvent(event);
  offerCandidates();
}

void AttributionView::refreshControls() {
  m_find->setEnabled(m_board.canAsk(m_lanes->lane()));
  offerCandidates();
  emit summaryChanged();
}

void AttributionView::offerCandidates() {
  // While somebody types or chooses, nothing changes under the hand; hidden, nobody looks.
  if (!isVisible() || m_other->hasFocus() || m_other->lineEdit()->hasFocus()) return;
  const int lane = m_lanes->lane();
  QStringList labels;
  QVariantList tokens;
  for (const model::Candidate& candidate : m_board.candidates(lane)) {
    labels << toQt(session::tokenLabel(m_board.store().lane(lane).text(candidate.token)));
    tokens << candidate.token;
  }
  QStringList shown;
  for (int index = 1; index < m_other->count(); ++index) shown << m_other->itemText(index);
  if (m_other->count() > 0 && labels == shown) return;
  const QSignalBlocker quiet(m_other);
  const QString typed = m_other->currentText();
  m_other->clear();
  m_other->addItem("", kNoToken);
  for (qsizetype index = 0; index < labels.size(); ++index) m_other->addItem(labels[index], tokens[index]);
  m_other->setCurrentIndex(-1);
  m_other->setEditText(typed);
}

QString AttributionView::quotedToken(int token) const {
  return toQt(session::quoted(m_board.labelOf(m_board.attribution()->text.lane, token)));
}

QString AttributionView::nameOf(const session::AddedPart& part) const {
  using Kind = session::AddedPart::Kind;
  switch (part.kind) {
    case Kind::Embedding:
      return "Embedding of the token";
    case Kind::Head:
      return toQt(model::headName({part.layer, part.queryHead}));
    case Kind::AttentionBias:
      return QString("L%1 bias behind attention").arg(part.layer);
    case Kind::Mlp:
      return QString("L%1 feed-forward network").arg(part.layer);
    case Kind::OutputBias:
      return "Biases of the output";
  }
  return {};
}

QString AttributionView::summary() const {
  if (!m_board.attribution()) return {};
  const session::AttributionReport& report = *m_board.attribution();
  return QString(
             "%1 at position %2, behind %3. The values between layers were computed by %4, what they add "
             "in 64-bit numbers on the processor.%5")
      .arg(toQt(report.title), grouped(report.text.position),
           quotedToken(report.text.tokens[static_cast<std::size_t>(report.text.position)]),
           toQt(report.deviceName), staleNote(report.text));
}

void AttributionView::refresh() {
  const bool isThere = m_board.attribution().has_value();
  showResults(isThere);
  if (isThere) fillTable();
  refreshControls();
}

void AttributionView::fillTable() {
  const session::AttributionReport& report = *m_board.attribution();
  const QString of = report.other ? QString("The logit of %1 less that of %2")
                                        .arg(quotedToken(report.token), quotedToken(*report.other))
                                  : QString("The logit of %1").arg(quotedToken(report.token));
  m_total->setText(
      QString("%1%2 is %3: the sum of all parts. The last norm divides each part by what it divides the "
              "whole sum by, held fixed; what a part does by way of later layers counts as theirs.")
          .arg(of,
               report.softCap > 0.0f ? QString(", before the model limits it to %1,")
                                           .arg(fixed(static_cast<double>(report.softCap), 1))
                                     : QString(),
               signedText(report.total, 4)));
  const QSignalBlocker quiet(m_table);
  m_table->setCurrentItem(nullptr);
  m_table->clearContents();
  m_table->setRowCount(static_cast<int>(report.parts.size()));
  const double largest = report.largest();
  for (int row = 0; row < m_table->rowCount(); ++row) {
    const session::AddedPart& part = report.parts[static_cast<std::size_t>(row)];
    m_table->setItem(row, Part, new QTableWidgetItem(nameOf(part)));
    m_table->setItem(row, KvHead,
                     new QTableWidgetItem(part.kvHead < 0 ? QString() : QString("KV%1").arg(part.kvHead)));
    auto* adds = new QTableWidgetItem(signedText(part.contribution, 4));
    adds->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    m_table->setItem(row, Adds, adds);
    auto* bar = new QTableWidgetItem;
    bar->setData(BarCells::kLengthRole, largest > 0.0 ? part.contribution / largest : 0.0);
    m_table->setItem(row, Bar, bar);
  }
  for (const int column : {Part, KvHead, Adds}) m_table->resizeColumnToContents(column);
  followSelection();
}

void AttributionView::choose(int row) {
  if (row < 0 || !m_board.attribution()) return;
  const session::AttributionReport& report = *m_board.attribution();
  const session::AddedPart& part = report.parts[static_cast<std::size_t>(row)];
  const std::optional<int> lane = m_board.laneOf(report.text.lane);
  if (part.kind == session::AddedPart::Kind::Head && lane)
    m_selection.setHead(session::HeadAddress{*lane, part.layer, part.queryHead});
}

void AttributionView::followSelection() {
  offerCandidates();
  if (!m_board.attribution() || !m_selection.head()) return;
  const session::AttributionReport& report = *m_board.attribution();
  const session::HeadAddress& head = *m_selection.head();
  if (m_board.laneOf(report.text.lane) != head.lane) return;
  for (std::size_t row = 0; row < report.parts.size(); ++row) {
    const session::AddedPart& part = report.parts[row];
    if (part.kind != session::AddedPart::Kind::Head || part.layer != head.layer ||
        part.queryHead != head.queryHead)
      continue;
    const QSignalBlocker quiet(m_table);
    if (m_table->currentRow() != static_cast<int>(row)) m_table->selectRow(static_cast<int>(row));
  }
}

void AttributionView::setAppearance(const session::Appearance& appearance) {
  m_bars->setAppearance(appearance);
  m_table->verticalHeader()->setDefaultSectionSize(static_cast<int>(1.7f * appearance.textSize()));
}

}  // namespace headroom::pages
