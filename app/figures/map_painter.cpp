#include "app/figures/map_painter.h"

#include <QImage>
#include <algorithm>
#include <cmath>

#include "app/figures/color_bar.h"
#include "app/figures/sheet.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

constexpr double kLabels = 96.0;  // room for tokens at an axis
/// Pixels that the picture of the cells has at least: viewers that smooth it then smooth edges only.
constexpr int kImagePixels = 1024;

double axisRoom() {
  return lineHeight(textFont()) + kGap;
}

/// The largest square for the cells, whole or half pixels for each: a PNG has two per pixel.
double sideOf(const AttentionMap& map, double width) {
  const double room = width - axisRoom() - kLabels - kColorBarRoom;
  return std::max(1.0, 0.5 * std::floor(2.0 * room / map.cellCount)) * map.cellCount;
}

QImage imageOf(const AttentionMap& map) {
  const int zoom = std::max(1, (kImagePixels + map.cellCount - 1) / map.cellCount);
  QImage image(map.cellCount * zoom, map.cellCount * zoom, QImage::Format_RGB32);
  image.fill(mapGroundColor());
  QPainter painter(&image);
  for (int row = 0; row < map.cellCount; ++row) {
    for (int column = 0; column <= row; ++column) {
      if (!map.shows(row, column)) continue;
      painter.fillRect(column * zoom, row * zoom, zoom, zoom, toQt(map.colorOf(row, column)));
    }
  }
  return image;
}

/// Rows that were not recorded, as far as they could have looked.
void paintUnrecorded(QPainter& painter, const AttentionMap& map, const QRectF& plot) {
  const double pixels = plot.width() / map.cellCount;
  for (int row = 0; row < map.cellCount; ++row) {
    if (map.isRecorded[static_cast<std::size_t>(row)]) continue;
    painter.fillRect(QRectF(plot.left(), plot.top() + row * pixels, (row + 1) * pixels, pixels),
                     QBrush(dimColor(), Qt::BDiagPattern));
  }
}

void paintLabels(QPainter& painter, const AttentionMap& map, const QRectF& plot) {
  const QFont font = smallFont();
  const double pixels = plot.width() / map.cellCount / map.factor;
  const int every = std::max(1, static_cast<int>(std::ceil((lineHeight(font) + 1.0) / pixels)));
  for (int position = 0; position < map.positions; position += every) {
    const double centre = (position + 0.5) * pixels;
    const QString label = elided(
        font, toQt(model::groupDigits(position) + "  " + map.labels[static_cast<std::size_t>(position)]),
        kLabels - 2.0 * kGap);
    drawText(painter, font, dimColor(), {plot.left() - kGap, plot.top() + centre},
             Qt::AlignRight | Qt::AlignVCenter, label);
    drawUpwards(painter, font, dimColor(), {plot.left() + centre, plot.bottom() + kGap},
                Qt::AlignRight | Qt::AlignVCenter, label);
  }
}

std::vector<ScaleTick> ticksOf(const AttentionMap& map) {
  std::vector<ScaleTick> ticks;
  if (map.scale == analysis::MapScale::Logarithmic) {
    const double floor = static_cast<double>(analysis::kLogarithmicFloor);
    const int decades = static_cast<int>(std::lround(-std::log10(floor)));
    for (int decade = 0; decade <= decades; ++decade) {
      const double value = std::pow(10.0, -decade);
      const std::string text = model::fixedText(value, decade);
      ticks.push_back({analysis::scaled(map.scale, value, 1.0), decade == decades ? "\u2264 " + text : text});
    }
  } else {
    for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0})
      ticks.push_back({share, model::shareText(share * map.maximum)});
  }
  return ticks;
}

}  // namespace

double mapHeight(const AttentionMap& map, double width) {
  return sideOf(map, width) + kLabels + axisRoom() + kGap;
}

void paintMap(QPainter& painter, const AttentionMap& map, const QRectF& area) {
  const double side = sideOf(map, area.width());
  const QRectF plot(std::round(area.left() + axisRoom() + kLabels), std::round(area.top() + kGap), side,
                    side);
  painter.drawImage(plot, imageOf(map));
  paintUnrecorded(painter, map, plot);
  painter.setPen(QPen(dimColor(), 1.0));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(plot.adjusted(-0.5, -0.5, 0.5, 0.5));
  paintLabels(painter, map, plot);
  drawUpwards(painter, textFont(), inkColor(), {area.left(), plot.center().y()},
              Qt::AlignHCenter | Qt::AlignTop, "position that looks");
  drawText(painter, textFont(), inkColor(), {plot.center().x(), plot.bottom() + kLabels},
           Qt::AlignHCenter | Qt::AlignTop, "position looked at");
  const double height = std::min(side, 320.0);
  paintColorBar(painter, map.colors, {plot.right() + 3.0 * kGap, plot.top()}, height, ticksOf(map),
                "attention, " + toQt(analysis::mapScaleName(map.scale)));
}

}  // namespace headroom::figures
