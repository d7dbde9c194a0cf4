#include "app/figures/weight_painter.h"

#include <algorithm>

#include "app/figures/sheet.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

constexpr double kBetween = 20.0;
/// Pixels from one line between heads to the next, at least.
constexpr double kLeastHead = 3.0;
/// Of the width, what the tallest matrix takes at most.
constexpr double kMostDown = 0.32;

QString shapeText(const analysis::WeightMatrix& matrix) {
  return toQt(model::groupDigits(matrix.rows) + " \u00d7 " + model::groupDigits(matrix.columns));
}
QString parameterText(const analysis::WeightMatrix& matrix) {
  return toQt(model::countText(static_cast<double>(matrix.parameters())));
}

double textWidth(const analysis::WeightMatrix& matrix) {
  return std::max(widthOf(textFont(), shapeText(matrix)), widthOf(textFont(), parameterText(matrix)));
}

double widthAt(const WeightDrawing::Lane& lane, double scale) {
  double width = -kBetween;
  for (const analysis::WeightMatrix& matrix : lane.matrices) {
    width += std::max(scale * static_cast<double>(matrix.rows), textWidth(matrix)) + kBetween;
  }
  return width;
}

double tallest(const WeightDrawing::Lane& lane) {
  double most = 0.0;
  for (const analysis::WeightMatrix& matrix : lane.matrices) {
    most = std::max(most, static_cast<double>(matrix.columns));
  }
  return most;
}

/// Pixels per element.
double scaleOf(const WeightDrawing& drawing, double width) {
  const auto fits = [&](double scale) {
    return std::ranges::all_of(drawing.lanes, [&](const WeightDrawing::Lane& lane) {
      return widthAt(lane, scale) <= width && scale * tallest(lane) <= kMostDown * width;
    });
  };
  double scale = 0.0;
  for (double step = 64.0; step > 1e-7; step *= 0.5) {
    if (fits(scale + step)) scale += step;
  }
  return scale;
}

/// The line of the lane, then its matrices, then their symbol, shape and parameters.
double laneHeight(const WeightDrawing::Lane& lane, double scale) {
  return scale * tallest(lane) + 4.0 * lineHeight(textFont()) + 1.5 * kBetween;
}

void paintMatrix(QPainter& painter, const analysis::WeightMatrix& matrix, const WeightDrawing::Lane& lane,
                 const QRectF& area, double scale) {
  const QColor color = toQt(lane.color);
  QColor fill = color;
  fill.setAlpha(matrix.isSharedByHeads() ? 200 : 55);
  painter.fillRect(area, fill);
  painter.setBrush(Qt::NoBrush);
  const double head = scale * lane.headDim;
  if (head >= kLeastHead) {
    painter.setPen(QPen(matrix.isSharedByHeads() ? QColor(Qt::white) : color, 0.6));
    // W_O takes what the heads give, the others give it.
    if (matrix.symbol == "W_O") {
      for (double y = area.top() + head; y < area.bottom() - 1.0; y += head) {
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
      }
    } else {
      for (double x = area.left() + head; x < area.right() - 1.0; x += head) {
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
      }
    }
  }
  painter.setPen(QPen(color, 1.0));
  painter.drawRect(area);
}

}  // namespace

double weightsHeight(const WeightDrawing& drawing, double width) {
  const double scale = scaleOf(drawing, width);
  double height = 0.0;
  for (const WeightDrawing::Lane& lane : drawing.lanes) height += laneHeight(lane, scale);
  return height;
}

void paintWeights(QPainter& painter, const WeightDrawing& drawing, const QRectF& area) {
  const double scale = scaleOf(drawing, area.width());
  const QFont font = textFont();
  const double line = lineHeight(font);
  constexpr Qt::Alignment kCorner = Qt::AlignLeft | Qt::AlignTop;
  double top = area.top();
  for (const WeightDrawing::Lane& lane : drawing.lanes) {
    const QString name = elided(font, toQt(lane.name), 0.4 * area.width());
    drawText(painter, font, toQt(lane.color), {area.left(), top}, kCorner, name);
    const double beside = area.left() + widthOf(font, name) + 0.6 * kBetween;
    drawText(painter, font, dimColor(), {beside, top}, kCorner,
             elided(font, toQt(lane.facts), area.right() - beside));
    double left = area.left();
    const double below = top + line + 0.4 * kBetween + scale * tallest(lane) + 4.0;
    for (const analysis::WeightMatrix& matrix : lane.matrices) {
      const double across = std::max(1.0, scale * static_cast<double>(matrix.rows));
      const double down = std::max(1.0, scale * static_cast<double>(matrix.columns));
      paintMatrix(painter, matrix, lane, {left, top + line + 0.4 * kBetween, across, down}, scale);
      drawText(painter, font, inkColor(), {left, below}, kCorner, toQt(matrix.symbol));
      drawText(painter, font, dimColor(), {left, below + line}, kCorner, shapeText(matrix));
      drawText(painter, font, dimColor(), {left, below + 2.0 * line}, kCorner, parameterText(matrix));
      left += std::max(across, textWidth(matrix)) + kBetween;
    }
    top += laneHeight(lane, scale);
  }
}

}  // namespace headroom::figures
