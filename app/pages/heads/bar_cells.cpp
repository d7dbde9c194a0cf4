#include "app/pages/heads/bar_cells.h"

#include <QPainter>
#include <QTableWidget>
#include <cmath>

#include "app/pages/colors.h"

namespace headroom::pages {

namespace {
/// Where in the colours of differences bars stand: apart from the middle, which is the ground's.
constexpr double kTakesAway = 0.15;
constexpr double kAdds = 0.85;
}  // namespace

BarCells::BarCells(QTableWidget& table, int column) : QStyledItemDelegate(&table), m_table(table) {
  table.setItemDelegateForColumn(column, this);
}

void BarCells::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_table.viewport()->update();
}

void BarCells::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QStyledItemDelegate::paint(painter, option, index);
  const double length = index.data(kLengthRole).toDouble();
  const QRectF cell(option.rect);
  const double middle = cell.center().x();
  const double width = std::abs(length) * (cell.width() / 2.0 - 4.0);
  const double inset = 0.2 * cell.height();
  painter->fillRect(
      QRectF(length < 0.0 ? middle - width : middle, cell.top() + inset, width, cell.height() - 2.0 * inset),
      toQt(session::colorOf(session::ColorMap::Diverging, length < 0.0 ? kTakesAway : kAdds)));
  painter->fillRect(QRectF(middle - 0.5, cell.top(), 1.0, cell.height()),
                    toQt(m_appearance.palette().textDim));
}

}  // namespace headroom::pages
