#pragma once

#include <QStyledItemDelegate>

#include "app/session/appearance.h"

class QTableWidget;

namespace headroom::pages {

/// Paints a column of signed numbers as bars from a middle line: to the right what adds, to the left what
/// takes away.
class BarCells : public QStyledItemDelegate {
 public:
  /// A double from -1 to 1.
  static constexpr int kLengthRole = Qt::UserRole + 1;

  BarCells(QTableWidget& table, int column);
  void setAppearance(const session::Appearance& appearance);

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 private:
  QTableWidget& m_table;
  session::Appearance m_appearance;
};

}  // namespace headroom::pages
