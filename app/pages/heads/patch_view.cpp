#include "app/pages/heads/patch_view.h"

#include <QGridLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QTableWidget>
#include <QVBoxLayout>

#include "app/pages/colors.h"
#include "app/pages/heads/color_cells.h"
#include "app/pages/heads/lane_box.h"
#include "app/pages/texts.h"
#include "app/session/display_text.h"

namespace headroom::pages {

namespace {
constexpr const char* kPatchIntroduction =
    "<h3>Which part of the model carries the difference?</h3>"
    "<p>Take two texts that differ in a word or two and lead to different answers: \u201cThe capital of "
    "France "
    "is\u201d and \u201cThe capital of Italy is\u201d. Both need the same number of tokens.</p>"
    "<p>Copy and compare runs both, then the second once more for every head, or every position and layer, "
    "with that one part's values copied from the first. Where the answer turns back, the part carries what "
    "tells the texts apart (activation patching, Wang et al. 2022).</p>"
    "<p>Computed in 64-bit numbers on the processor, with all heads of the lane's model.</p>";
}  // namespace

PatchView::PatchView(session::InsideBoard& board, session::Selection& selection, QWidget* parent)
    : InsideView(board, "patch", kPatchIntroduction, parent),
      m_selection(selection),
      m_copyValues(new QPushButton("Copy and compare", this)),
      m_lanes(new LaneBox(board.store(), selection, this)),
      m_place(new QuietComboBox(this)),
      m_memory(new QLabel(this)),
      m_differences(new QLabel(this)),
      m_map(new QTableWidget(this)),
      m_cells(new ColorCells(*m_map)) {
  addControl(
      m_copyValues, "findPatches",
      "Runs both texts, then the corrupted one again for every part with that part's values copied from "
      "the clean one. Decoding pauses meanwhile.");
  addControl(m_lanes, "patchLane", "Whose model: the lane of the chosen head, or another one");
  m_place->addItem("Copy the outputs of heads", static_cast<int>(session::PatchPlace::Heads));
  m_place->addItem("Copy the values between layers", static_cast<int>(session::PatchPlace::Residual));
  addControl(m_place, "patchPlace",
             "What is copied: what one head gives at all positions, or what stands between two layers (the "
             "residual stream) at one position");
  addTableButtons();
  addControl(m_memory, "patchMemory", "Eight bytes for every parameter, in this machine's own memory");
  m_clean = addField("patchClean", "Clean text", "the text that values are copied from",
                     "The text that values are copied from");
  m_answer = addField("patchAnswer", "Its answer", "the most likely token",
                      "One token whose logit counts; left empty, what the model is most likely to say after "
                      "the clean text");
  m_corrupt = addField("patchCorrupt", "Corrupted text", "as many tokens, of which some differ",
                       "The text that values are copied into; it has as many tokens as the clean one");
  m_otherAnswer =
      addField("patchOtherAnswer", "Other answer", "the most likely other one",
               "One token whose logit is taken away; left empty, what the model is most likely to "
               "say after the corrupted text");
  m_differences->setObjectName("patchDifferences");
  m_differences->setWordWrap(true);
  m_differences->setTextFormat(Qt::PlainText);
  m_differences->setContentsMargins(8, 2, 8, 2);
  results()->addWidget(m_differences);
  results()->addWidget(m_map, 1);
  m_map->setObjectName("patchMap");
  m_map->setSelectionMode(QAbstractItemView::NoSelection);
  makeQuiet(*m_map);
  m_map->horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);

  connect(m_copyValues, &QPushButton::clicked, this, &PatchView::ask);
  connect(m_map, &QTableWidget::cellClicked, this, &PatchView::choose);
  connect(m_lanes, &LaneBox::laneChanged, this, &PatchView::refreshControls);
  connect(&board, &session::InsideBoard::patchesFound, this, &PatchView::refresh);
  connect(&board, &session::InsideBoard::lanesChanged, this, [this] {
    showResults(m_board.patches().has_value());
    refreshControls();
  });
  connect(&board, &session::InsideBoard::studyingChanged, this, &PatchView::refreshControls);
  connect(&board.store(), &session::TraceStore::changed, this, &PatchView::refreshControls);
  refresh();
}

QLineEdit* PatchView::addField(const char* name, const char* title, const char* hint, const char* tip) {
  auto* field = new QLineEdit(this);
  field->setObjectName(name);
  field->setPlaceholderText(hint);
  field->setToolTip(inLines(tip));
  const int index = form()->count() / 2;  // a title and a field each, two of them in a row
  form()->addWidget(new QLabel(title, this), index / 2, 2 * (index % 2));
  form()->addWidget(field, index / 2, 2 * (index % 2) + 1);
  form()->setColumnStretch(1, 4);
  form()->setColumnStretch(3, 1);
  connect(field, &QLineEdit::textChanged, this, &PatchView::refreshControls);
  connect(field, &QLineEdit::returnPressed, this, &PatchView::ask);
  return field;
}

void PatchView::ask() {
  if (!m_copyValues->isEnabled()) return;
  m_board.patch({.lane = m_board.store().lane(m_lanes->lane()).info().request,
                 .clean = m_clean->text().toStdString(),
                 .corrupt = m_corrupt->text().toStdString(),
                 .answer = m_answer->text().toStdString(),
                 .otherAnswer = m_otherAnswer->text().toStdString(),
                 .place = static_cast<session::PatchPlace>(m_place->currentData().toInt())});
}

void PatchView::refreshControls() {
  const int lane = m_lanes->lane();
  // Fields come one after the other.
  const bool areThere = m_otherAnswer && !m_clean->text().isEmpty() && !m_corrupt->text().isEmpty();
  m_copyValues->setEnabled(areThere && m_board.canAsk(lane));
  if (lane >= 0 && lane < m_board.store().laneCount()) {
    const std::uint64_t bytes = session::patchingBytes(m_board.store().lane(lane).info().parameterCount);
    m_memory->setText(QString("takes %1 of memory").arg(toQt(model::bytesText(static_cast<double>(bytes)))));
  }
  emit summaryChanged();
}

QString PatchView::quotedToken(int token) const {
  return toQt(session::quoted(m_board.labelOf(m_board.patches()->lane, token)));
}

QString PatchView::rowName(int row) const {
  if (m_board.patches()->place == session::PatchPlace::Heads) return QString("L%1").arg(row);
  return row == 0 ? QString("Before L0") : QString("After L%1").arg(row - 1);
}

QString PatchView::summary() const {
  if (!m_board.patches()) return {};
  const session::PatchReport& report = *m_board.patches();
  return QString("%1 with all its heads%2, computed in 64-bit numbers on the processor.")
      .arg(toQt(report.title), report.isWhole ? "" : ", stopped before its end");
}

void PatchView::refresh() {
  const bool isThere = m_board.patches().has_value();
  showResults(isThere);
  if (isThere) fillMap();
  refreshControls();
}

void PatchView::fillHeader() {
  const session::PatchReport& report = *m_board.patches();
  m_map->setRowCount(report.rows());
  m_map->setColumnCount(report.survey.columns);
  QStringList rows, columns;
  for (int row = 0; row < report.rows(); ++row) rows << rowName(row);
  for (int column = 0; column < report.survey.columns; ++column) {
    if (report.place == session::PatchPlace::Heads) {
      columns << QString("H%1, KV%2").arg(column).arg(report.attention.kvHeadOf(column));
      continue;
    }
    const auto at = static_cast<std::size_t>(column);
    const int clean = report.question.clean[at], corrupt = report.question.corrupt[at];
    const QString label = toQt(m_board.labelOf(report.lane, clean));
    columns << (clean == corrupt ? label : label + " \u2192 " + toQt(m_board.labelOf(report.lane, corrupt)));
  }
  m_map->setVerticalHeaderLabels(rows);
  m_map->setHorizontalHeaderLabels(columns);
  for (int column = 0; column < report.survey.columns; ++column)
    m_map->horizontalHeaderItem(column)->setToolTip(columns[column]);
}

QString PatchView::cellTip(int row, int column, double effect) const {
  const session::PatchReport& report = *m_board.patches();
  const QString what =
      report.place == session::PatchPlace::Heads
          ? QString("%1, reads KV%2")
                .arg(toQt(model::headName({row, column})))
                .arg(report.attention.kvHeadOf(column))
          : QString("%1, position %2 (%3)")
                .arg(rowName(row), grouped(column), m_map->horizontalHeaderItem(column)->text());
  const double apart = report.survey.cleanDifference - report.survey.corruptDifference;
  QString tip = QString("%1: %2").arg(what, signedText(effect, 4));
  if (apart != 0.0)
    tip += QString("\n%1 % of what tells the texts apart").arg(signedText(100.0 * effect / apart, 1));
  return tip;
}

void PatchView::fillMap() {
  const session::PatchReport& report = *m_board.patches();
  const evaluation::PatchSurvey& survey = report.survey;
  m_differences->setText(
      QString("The logit of %1 less that of %2 is %3 after the clean text and %4 after the corrupted one. A "
              "cell says how much the corrupted one's changes with that part copied: 0 nothing, %5 as far as "
              "the clean text. Red adds, blue takes away.")
          .arg(quotedToken(report.question.answer), quotedToken(report.question.otherAnswer),
               signedText(survey.cleanDifference, 4), signedText(survey.corruptDifference, 4),
               signedText(survey.cleanDifference - survey.corruptDifference, 4)));
  m_map->clear();
  fillHeader();
  const double largest = report.largest();
  for (int row = 0; row < report.rows(); ++row) {
    for (int column = 0; column < survey.columns; ++column) {
      const std::optional<double> effect = report.effectAt(row, column);
      if (!effect) continue;
      const double side = largest > 0.0 ? *effect / largest : 0.0;
      auto* item = new QTableWidgetItem(signedText(*effect, 3));
      item->setData(ColorCells::kGroundRole,
                    toQt(session::colorOf(session::ColorMap::Diverging, 0.5 + 0.5 * side)));
      item->setToolTip(cellTip(row, column, *effect));
      m_map->setItem(row, column, item);
    }
  }
  setAppearance(m_appearance);
}

void PatchView::choose(int row, int column) {
  if (!m_board.patches() || m_board.patches()->place != session::PatchPlace::Heads) return;
  if (const std::optional<int> lane = m_board.laneOf(m_board.patches()->lane))
    m_selection.setHead(session::HeadAddress{*lane, row, column});
}

void PatchView::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_cells->setAppearance(appearance);
  m_map->verticalHeader()->setDefaultSectionSize(static_cast<int>(1.7f * appearance.textSize()));
  m_map->horizontalHeader()->setDefaultSectionSize(static_cast<int>(6.5f * appearance.textSize()));
}

}  // namespace headroom::pages
