#include "app/figures/head_cells_painter.h"

#include <QImage>
#include <algorithm>
#include <cmath>

#include "app/figures/color_bar.h"
#include "app/figures/sheet.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

constexpr double kLargestCell = 26.0;
/// A map that stands beside others is about that wide, one that stands alone up to three times.
constexpr double kMapBesideOthers = 120.0;
constexpr double kMapAlone = 360.0;
constexpr double kBetweenMaps = 18.0;
constexpr double kBetweenLanes = 14.0;
constexpr double kBracketRoom = 7.0;
/// Its name stands beside it, turned.
constexpr double kLeastBar = 220.0;
constexpr double kMostBar = 320.0;
/// Of a picture of cells at least: viewers that smooth it then smooth edges only.
constexpr int kCellPixels = 256;

double axisName() {
  return lineHeight(smallFont()) + 2.0;
}

double widest(const std::vector<std::string>& labels) {
  double width = 0.0;
  for (const std::string& label : labels) width = std::max(width, widthOf(smallFont(), toQt(label)));
  return width;
}

/// Where the parts of a lane lie; all its maps have as many rows and columns.
class LaneLayout {
 public:
  LaneLayout(const HeadCells& cells, const HeadCells::Lane& lane, double width) : m_cells(cells) {
    const HeadCells::Map& first = lane.maps.front();
    m_left = axisName() + widest(first.rows) + kGap;
    const double room = width - m_left;
    const bool isAlone = lane.maps.size() == 1;
    const double target = cells.groups == HeadCells::Groups::Brackets ? room
                          : isAlone                                   ? kMapAlone
                                                                      : kMapBesideOthers;
    const auto columns = static_cast<double>(first.columns.size());
    // Whole or half pixels, where there is room for that: a PNG has two per pixel.
    const double wanted = std::clamp(target / columns, 2.0, kLargestCell);
    m_cell = std::min(std::floor(2.0 * wanted) / 2.0, room / columns);
    m_size = {m_cell * columns, m_cell * static_cast<double>(first.rows.size())};
    m_step = {std::max(m_size.width(), widthOf(smallFont(), toQt(cells.across))) + m_left + kBetweenMaps,
              above() + m_size.height() + below()};
    m_perRow = std::max(1, static_cast<int>((width + kBetweenMaps) / m_step.width()));
    const auto maps = static_cast<int>(lane.maps.size());
    m_width = std::min(m_perRow, maps) * m_step.width() - kBetweenMaps;
    m_height = header() + (maps + m_perRow - 1) / m_perRow * m_step.height() + kBetweenLanes;
  }

  double cell() const { return m_cell; }
  double width() const { return m_width; }
  double height() const { return m_height; }
  static double header() { return lineHeight(textFont()) + kGap; }
  /// From the lane's corner.
  QRectF place(int map) const {
    return {QPointF(m_left + map % m_perRow * m_step.width(),
                    header() + map / m_perRow * m_step.height() + above()),
            m_size};
  }

 private:
  /// Of the name, or of brackets.
  double above() const {
    return m_cells.groups == HeadCells::Groups::Brackets ? kBracketRoom : lineHeight(smallFont()) + 2.0;
  }
  static double below() { return lineHeight(smallFont()) + axisName() + kGap; }

  const HeadCells& m_cells;
  double m_left = 0.0;  ///< names and labels of rows
  double m_cell = 1.0;
  QSizeF m_size;
  QSizeF m_step;  ///< from a map to the next
  int m_perRow = 1;
  double m_width = 0.0;
  double m_height = 0.0;
};

QImage imageOfCells(const HeadCells& cells, const HeadCells::Map& map) {
  const auto rows = static_cast<int>(map.rows.size());
  const auto columns = static_cast<int>(map.columns.size());
  const int zoom = std::max(1, kCellPixels / std::max(rows, columns));
  QImage image(columns * zoom, rows * zoom, QImage::Format_RGB32);
  QPainter painter(&image);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const double value = map.at(static_cast<std::size_t>(row), static_cast<std::size_t>(column));
      painter.fillRect(column * zoom, row * zoom, zoom, zoom,
                       std::isnan(value) ? mapGroundColor() : toQt(cells.colorOf(value)));
    }
  }
  return image;
}

/// Every n-th label, so that none touches the next: n is a power of two.
int everyLabel(double needed, double cell) {
  int every = 1;
  while (every * cell < needed) every *= 2;
  return every;
}

void paintCellLabels(QPainter& painter, const HeadCells& cells, const HeadCells::Map& map,
                     const QRectF& place, double cell) {
  const QFont font = smallFont();
  const int everyColumn = everyLabel(widest(map.columns) + 4.0, cell);
  for (std::size_t column = 0; column < map.columns.size(); column += static_cast<std::size_t>(everyColumn)) {
    drawText(painter, font, dimColor(),
             {place.left() + (static_cast<double>(column) + 0.5) * cell, place.bottom() + 1.0},
             Qt::AlignHCenter | Qt::AlignTop, toQt(map.columns[column]));
  }
  const int everyRow = everyLabel(lineHeight(font), cell);
  for (std::size_t row = 0; row < map.rows.size(); row += static_cast<std::size_t>(everyRow)) {
    drawText(painter, font, dimColor(),
             {place.left() - kGap, place.top() + (static_cast<double>(row) + 0.5) * cell},
             Qt::AlignRight | Qt::AlignVCenter, toQt(map.rows[row]));
  }
  // In its middle, unless it is wider than a narrow map: no name stands in the next one's place.
  const bool isWider = widthOf(font, toQt(cells.across)) > place.width();
  drawText(painter, font, inkColor(),
           {isWider ? place.left() : place.center().x(), place.bottom() + lineHeight(font) + 2.0},
           (isWider ? Qt::AlignLeft : Qt::AlignHCenter) | Qt::AlignTop, toQt(cells.across));
  // A name that is longer than the map is high would run into what stands above it.
  if (widthOf(font, toQt(cells.down)) > place.height()) return;
  drawUpwards(painter, font, inkColor(), {place.left() - kGap - widest(map.rows) - 2.0, place.center().y()},
              Qt::AlignHCenter | Qt::AlignBottom, toQt(cells.down));
}

void paintGroups(QPainter& painter, const HeadCells& cells, const HeadCells::Lane& lane,
                 const HeadCells::Map& map, const QRectF& place, double cell) {
  painter.setPen(QPen(toQt(lane.color), 1.5));
  painter.setBrush(Qt::NoBrush);
  const double group = cell * lane.groupSize;
  const auto groups = static_cast<int>(map.columns.size()) / lane.groupSize;
  for (int index = 0; index < groups; ++index) {
    const double left = place.left() + index * group;
    if (cells.groups == HeadCells::Groups::Brackets) {
      const double y = place.top() - 0.5 * kBracketRoom;
      painter.drawLine(QPointF(left + 1.5, y), QPointF(left + group - 1.5, y));
    } else {
      painter.drawRect(QRectF(left, place.top() + index * group, group, group));
    }
  }
}

void paintCells(QPainter& painter, const HeadCells& cells, const HeadCells::Lane& lane,
                const HeadCells::Map& map, const QRectF& place, double cell) {
  painter.drawImage(place, imageOfCells(cells, map));
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    for (std::size_t column = 0; column < map.columns.size(); ++column) {
      if (!std::isnan(map.at(row, column))) continue;
      painter.fillRect(QRectF(place.left() + static_cast<double>(column) * cell,
                              place.top() + static_cast<double>(row) * cell, cell, cell),
                       QBrush(dimColor(), Qt::BDiagPattern));
    }
  }
  painter.setPen(QPen(dimColor(), 1.0));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5));
  paintGroups(painter, cells, lane, map, place, cell);
  if (!map.name.empty()) {
    drawText(painter, smallFont(), inkColor(), {place.left(), place.top() - 2.0},
             Qt::AlignLeft | Qt::AlignBottom, toQt(map.name));
  }
  paintCellLabels(painter, cells, map, place, cell);
}

std::vector<ScaleTick> ticksOf(const HeadCells& cells) {
  const double range = cells.high - cells.low;
  const int decimals = range >= 100.0 ? 0 : range >= 10.0 ? 1 : 3;
  std::vector<ScaleTick> ticks;
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const double value = cells.low + share * range;
    ticks.push_back({share, (value < 0.0 ? "\u2212" : "") + model::fixedText(std::abs(value), decimals)});
  }
  return ticks;
}

double mapsWidth(double width) {
  return width - kColorBarRoom - 3.0 * kGap;
}

}  // namespace

double headCellsHeight(const HeadCells& cells, double width) {
  double height = 0.0;
  for (const HeadCells::Lane& lane : cells.lanes) {
    height += lane.maps.empty() ? LaneLayout::header() : LaneLayout(cells, lane, mapsWidth(width)).height();
  }
  return std::max(height, kLeastBar + lineHeight(textFont()));
}

void paintHeadCells(QPainter& painter, const HeadCells& cells, const QRectF& area) {
  const double width = mapsWidth(area.width());
  QPointF corner = area.topLeft();
  double right = 0.0;
  constexpr Qt::Alignment kCorner = Qt::AlignLeft | Qt::AlignTop;
  for (const HeadCells::Lane& lane : cells.lanes) {
    const QString name = elided(textFont(), toQt(lane.name), 0.4 * width);
    drawText(painter, textFont(), toQt(lane.color), corner, kCorner, name);
    const double beside = widthOf(textFont(), name) + 2.0 * kGap;
    const QString facts = elided(textFont(), toQt(lane.facts), width - beside);
    drawText(painter, textFont(), dimColor(), corner + QPointF(beside, 0.0), kCorner, facts);
    right = std::max(right, beside + widthOf(textFont(), facts));
    if (lane.maps.empty()) {
      corner.ry() += LaneLayout::header();
      continue;
    }
    const LaneLayout layout(cells, lane, width);
    right = std::max(right, std::min(width, layout.width()));
    for (int map = 0; map < static_cast<int>(lane.maps.size()); ++map) {
      paintCells(painter, cells, lane, lane.maps[static_cast<std::size_t>(map)],
                 layout.place(map).translated(corner), layout.cell());
    }
    corner.ry() += layout.height();
  }
  const double height = std::clamp(area.height() - lineHeight(textFont()), kLeastBar, kMostBar);
  paintColorBar(painter, cells.colors, {area.left() + right + 3.0 * kGap, area.top() + 0.5 * kGap}, height,
                ticksOf(cells), toQt(cells.measure));
}

}  // namespace headroom::figures
