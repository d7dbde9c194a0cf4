#include "app/pages/heads/head_table.h"

#include <QColor>
#include <algorithm>
#include <cmath>
#include <string_view>

#include "app/pages/colors.h"
#include "app/pages/texts.h"
#include "app/session/head_worth.h"

namespace headroom::pages {

namespace {

using analysis::HeadSurvey;

constexpr int kDecimals = 3;

int numberCount() {
  return static_cast<int>(analysis::headColumns().size());
}

const analysis::HeadColumn& numberOf(int column) {
  return analysis::headColumns()[static_cast<std::size_t>(column - HeadTable::FirstNumber)];
}

bool isNumber(int column) {
  return column >= HeadTable::FirstNumber && column < HeadTable::FirstNumber + numberCount();
}

}  // namespace

QString numberText(const analysis::HeadColumn& column, const analysis::HeadSurvey::Head& head) {
  const double value = column.of(head);
  if (std::isnan(value)) return QString("\u2013");
  const QString text = fixed(value, kDecimals);
  const bool isOfDraws = std::string_view(column.name) == "induction" && head.inductionDeviation > 0.0;
  return isOfDraws ? QString("%1 \u00b1 %2").arg(text, fixed(head.inductionDeviation, kDecimals)) : text;
}

QString lossText(const session::HeadBoard::Loss& loss) {
  return toQt(session::lossText(loss));
}

HeadTable::HeadTable(const session::HeadBoard& board, QObject* parent)
    : QAbstractTableModel(parent), m_board(board) {}

void HeadTable::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  refresh();
}

void HeadTable::refresh() {
  std::vector<HeadRow> rows;
  for (std::size_t entry = 0; entry < m_board.entries().size(); ++entry) {
    for (std::size_t head = 0; head < m_board.entries()[entry].report.survey.heads.size(); ++head)
      rows.push_back({entry, head});
  }
  if (rows == m_rows) {
    // The place that somebody looks at stays.
    if (!rows.empty()) emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    return;
  }
  beginResetModel();
  m_rows = std::move(rows);
  endResetModel();
}

std::optional<int> HeadTable::indexOf(const HeadRow& row) const {
  const auto found = std::ranges::find(m_rows, row);
  if (found == m_rows.end()) return std::nullopt;
  return static_cast<int>(found - m_rows.begin());
}

int HeadTable::lossColumn() {
  return FirstNumber + numberCount();
}

int HeadTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int HeadTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : lossColumn() + 1;
}

QVariant HeadTable::data(const QModelIndex& index, int role) const {
  const HeadRow& row = this->row(index.row());
  const session::HeadReport& report = m_board.entries()[row.entry].report;
  const HeadSurvey::Head& head = report.survey.heads[row.head];
  const model::HeadPlace place{head.layer, head.queryHead};
  const int column = index.column();
  const session::HeadBoard::Loss* loss = column == lossColumn() ? m_board.lossOf(row.entry, place) : nullptr;
  const model::HeadChange* change = m_board.changeOf(row.entry, place);
  switch (role) {
    case Qt::DisplayRole:
      if (column == Lane) return toQt(report.title);
      if (column == Head)
        return toQt(model::headName(place)) + (!change                                     ? ""
                                               : change->output == model::HeadOutput::Zero ? " off"
                                                                                           : " *");
      if (column == KvHead) return QString("KV%1").arg(head.kvHead);
      if (isNumber(column)) return numberText(numberOf(column), head);
      return loss ? lossText(*loss) : QString("\u2013");
    case kSortRole:
      if (column == Lane) return static_cast<int>(row.entry);
      if (column == Head) return head.layer * report.config.attention.queryHeadCount + head.queryHead;
      if (column == KvHead) return head.layer * report.config.attention.kvHeadCount + head.kvHead;
      if (isNumber(column)) {
        const double value = numberOf(column).of(head);
        return std::isnan(value) ? QVariant() : QVariant(value);
      }
      return loss ? QVariant(loss->withinNoise ? 0.0 : loss->change) : QVariant();
    case Qt::ToolTipRole:
      return column == Head && change ? QString("In the lane it %1.").arg(toQt(model::deedOf(*change)))
                                      : QVariant();
    case Qt::TextAlignmentRole:
      return static_cast<int>((column >= FirstNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::ForegroundRole:
      if (column == Lane) return toQt(m_appearance.palette().lane(report.lane.colorIndex));
      return change || (column == lossColumn() && !loss) ? QVariant(toQt(m_appearance.palette().textDim))
                                                         : QVariant();
    default:
      return {};
  }
}

QVariant HeadTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole)
    return static_cast<int>((section >= FirstNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  if (role == Qt::DisplayRole) {
    if (section == Lane) return "Lane";
    if (section == Head) return "Head";
    if (section == KvHead) return "KV head";
    return isNumber(section) ? QString(numberOf(section).title) : QString("Loss without it, nats/token");
  }
  if (role == Qt::ToolTipRole) {
    if (section == Lane) return "The lane whose model it is";
    if (section == Head)
      return "Layer and query head, both counted from 0; \u201coff\u201d: the lane decodes without it";
    if (section == KvHead) return "The KV head that it reads, in its layer";
    if (isNumber(section)) {
      return inLines(
          QString("%1\n%2").arg(numberOf(section).meaning, toQt(analysis::formulaText(numberOf(section)))));
    }
    return inLines(
        "How much worse the model predicts the text when the head's output is 0 before W_O: change of the "
        "mean "
        "loss, nats per token, computed by reading the text without the head.\n\u00b1: standard error of the "
        "mean "
        "of the tokens' own differences. \u201cnone\u201d: no larger than what rounding does, told by "
        "another "
        "split of the text into steps.");
  }
  return {};
}

HeadFilter::HeadFilter(HeadTable& table) : QSortFilterProxyModel(&table), m_table(table) {
  setSourceModel(&table);
  setSortRole(HeadTable::kSortRole);
}

void HeadFilter::setEntry(std::optional<std::size_t> entry) {
  m_entry = entry;
  invalidateFilter();
}

bool HeadFilter::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const QVariant a = left.data(HeadTable::kSortRole);
  const QVariant b = right.data(HeadTable::kSortRole);
  // What is not known comes last, whichever way it is sorted.
  if (a.isValid() != b.isValid()) return a.isValid() == (sortOrder() == Qt::AscendingOrder);
  return a.toDouble() < b.toDouble();
}

bool HeadFilter::filterAcceptsRow(int sourceRow, const QModelIndex&) const {
  return !m_entry || m_table.row(sourceRow).entry == *m_entry;
}

}  // namespace headroom::pages
