#include "app/pages/wrap_layout.h"

#include <algorithm>
#include <limits>

namespace headroom::pages {

namespace {
bool grows(const QLayoutItem& item) {
  return item.expandingDirections().testFlag(Qt::Horizontal) &&
         item.maximumSize().width() > item.minimumSize().width();
}
}  // namespace

WrapLayout::WrapLayout(QWidget* parent) : QLayout(parent) {}

WrapLayout::~WrapLayout() {
  for (QLayoutItem* item : m_items) delete item;
}

void WrapLayout::addItem(QLayoutItem* item) {
  m_items.push_back(item);
}

int WrapLayout::count() const {
  return static_cast<int>(m_items.size());
}

QLayoutItem* WrapLayout::itemAt(int index) const {
  return index >= 0 && index < count() ? m_items[static_cast<std::size_t>(index)] : nullptr;
}

QLayoutItem* WrapLayout::takeAt(int index) {
  QLayoutItem* item = itemAt(index);
  if (item != nullptr) m_items.erase(m_items.begin() + index);
  return item;
}

int WrapLayout::widthOf(const QLayoutItem& item) {
  return grows(item) ? item.minimumSize().width() : item.sizeHint().width();
}

std::vector<WrapLayout::Row> WrapLayout::rows(int width) const {
  std::vector<Row> rows;
  for (QLayoutItem* item : m_items) {
    if (item->isEmpty()) continue;
    const int own = widthOf(*item);
    if (rows.empty() || rows.back().width + spacing() + own > width) {
      rows.push_back({.items = {item}, .width = own, .height = item->sizeHint().height()});
      continue;
    }
    Row& row = rows.back();
    row.items.push_back(item);
    row.width += spacing() + own;
    row.height = std::max(row.height, item->sizeHint().height());
  }
  return rows;
}

int WrapLayout::heightForWidth(int width) const {
  const QMargins margins = contentsMargins();
  const std::vector<Row> rows = this->rows(width - margins.left() - margins.right());
  int height = margins.top() + margins.bottom() + spacing() * std::max(0, static_cast<int>(rows.size()) - 1);
  for (const Row& row : rows) height += row.height;
  return height;
}

QSize WrapLayout::sizeHint() const {
  const QMargins margins = contentsMargins();
  const std::vector<Row> rows = this->rows(std::numeric_limits<int>::max() / 2);
  const QSize row = rows.empty() ? QSize() : QSize(rows.front().width, rows.front().height);
  return row.grownBy(margins);
}

QSize WrapLayout::minimumSize() const {
  QSize size;
  for (const QLayoutItem* item : m_items) {
    if (!item->isEmpty()) size = size.expandedTo(item->minimumSize());
  }
  return size.grownBy(contentsMargins());
}

void WrapLayout::setGeometry(const QRect& rect) {
  QLayout::setGeometry(rect);
  const QRect inner = rect.marginsRemoved(contentsMargins());
  int top = inner.top();
  for (const Row& row : rows(inner.width())) {
    place(row, {inner.left(), top, inner.width(), row.height});
    top += row.height + spacing();
  }
}

void WrapLayout::place(const Row& row, const QRect& area) const {
  int growing = static_cast<int>(std::ranges::count_if(row.items, [](auto* item) { return grows(*item); }));
  int left = std::max(0, area.width() - row.width);
  int x = area.left();
  for (QLayoutItem* item : row.items) {
    int width = std::min(widthOf(*item), area.width());
    if (grows(*item)) {
      const int more = left / growing--;
      width += more;
      left -= more;
    }
    const int height = std::min(item->sizeHint().height(), area.height());
    item->setGeometry({x, area.top() + (area.height() - height) / 2, width, height});
    x += width + spacing();
  }
}

}  // namespace headroom::pages
