#pragma once

#include <QStyledItemDelegate>

#include "app/session/appearance.h"

class QTableWidget;

namespace headroom::pages {

/// Paints the cells of a map: a ground that says a number, words on it that can be read on any ground, a
/// frame around the one that is looked at.
class ColorCells : public QStyledItemDelegate {
 public:
  /// A QColor; of a cell without one the panel's is shown.
  static constexpr int kGroundRole = Qt::UserRole + 1;

  explicit ColorCells(QTableWidget& table);
  void setAppearance(const session::Appearance& appearance);
  /// The column whose cells are framed as one, -1 for none.
  void setColumn(int column);

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 private:
  QTableWidget& m_table;
  session::Appearance m_appearance;
  int m_column = -1;
};

/// A table that only shows: rows of one height, nothing edited, dragged or sorted by itself.
void makeQuiet(QTableWidget& table);

}  // namespace headroom::pages
