#pragma once

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>
#include <optional>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/head_board.h"

namespace headroom::pages {

/// A head among all entries of the board.
struct HeadRow {
  std::size_t entry = 0;
  std::size_t head = 0;  ///< among those of the entry's survey

  bool operator==(const HeadRow&) const = default;
};

/// The heads of all lanes, a row each, with everything that is known of them.
class HeadTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { Lane, Head, KvHead, FirstNumber };
  /// Numbers to sort by, where a cell has one.
  static constexpr int kSortRole = Qt::UserRole;

  HeadTable(const session::HeadBoard& board, QObject* parent);

  void setAppearance(const session::Appearance& appearance);
  /// Other heads, or other numbers in them.
  void refresh();
  const HeadRow& row(int row) const { return m_rows[static_cast<std::size_t>(row)]; }
  std::optional<int> indexOf(const HeadRow& row) const;
  static int lossColumn();

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  const session::HeadBoard& m_board;
  session::Appearance m_appearance;
  std::vector<HeadRow> m_rows;
};

/// Those of one lane, or of all; of lanes that are alike in a column the order of layers and heads.
class HeadFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit HeadFilter(HeadTable& table);
  void setEntry(std::optional<std::size_t> entry);

 protected:
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;
  bool filterAcceptsRow(int sourceRow, const QModelIndex& parent) const override;

 private:
  HeadTable& m_table;
  std::optional<std::size_t> m_entry;
};

/// "0.129", of induction "0.129 \u00b1 0.040".
QString numberText(const analysis::HeadColumn& column, const analysis::HeadSurvey::Head& head);
/// "+0.0213 \u00b1 0.0040", or "none" where it is not told from noise.
QString lossText(const session::HeadBoard::Loss& loss);

}  // namespace headroom::pages
