#include "app/pages/heads/color_cells.h"

#include <QHeaderView>
#include <QPainter>
#include <QTableWidget>

#include "app/pages/colors.h"

namespace headroom::pages {

namespace {
/// As bright as people see it (ITU-R BT.709), 0 to 1.
double brightnessOf(const QColor& color) {
  return 0.2126 * color.redF() + 0.7152 * color.greenF() + 0.0722 * color.blueF();
}
constexpr double kDarkTextFrom = 0.45;
}  // namespace

ColorCells::ColorCells(QTableWidget& table) : QStyledItemDelegate(&table), m_table(table) {
  table.setItemDelegate(this);
}

void ColorCells::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  m_table.viewport()->update();
}

void ColorCells::setColumn(int column) {
  m_column = column;
  m_table.viewport()->update();
}

void ColorCells::paint(QPainter* painter, const QStyleOptionViewItem& option,
                       const QModelIndex& index) const {
  const session::Palette& colors = m_appearance.palette();
  const QVariant told = index.data(kGroundRole);
  const QColor ground = told.isValid() ? told.value<QColor>() : toQt(colors.panel);
  const QRect cell = option.rect;
  painter->save();
  painter->fillRect(cell.adjusted(0, 0, -1, -1), ground);
  painter->setPen(brightnessOf(ground) > kDarkTextFrom ? Qt::black : Qt::white);
  const QRect words = cell.adjusted(4, 0, -4, 0);
  painter->drawText(words, Qt::AlignVCenter | Qt::AlignLeft,
                    option.fontMetrics.elidedText(index.data().toString(), Qt::ElideRight, words.width()));
  painter->setPen(QPen(toQt(colors.accent), 2.0));
  if (index.column() == m_column) {
    painter->drawLine(cell.left() + 1, cell.top(), cell.left() + 1, cell.bottom());
    painter->drawLine(cell.right() - 1, cell.top(), cell.right() - 1, cell.bottom());
  }
  if (index == m_table.currentIndex()) painter->drawRect(cell.adjusted(1, 1, -2, -2));
  painter->restore();
}

void makeQuiet(QTableWidget& table) {
  table.setEditTriggers(QAbstractItemView::NoEditTriggers);
  table.setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  table.setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  table.setShowGrid(false);
  table.setWordWrap(false);
  for (QHeaderView* header : {table.horizontalHeader(), table.verticalHeader()}) {
    header->setSectionsClickable(false);
    header->setHighlightSections(false);
  }
  table.verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
}

}  // namespace headroom::pages
