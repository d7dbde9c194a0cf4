#pragma once

#include <QPainter>
#include <span>
#include <string>

#include "core/analysis/color_map.h"

namespace headroom::figures {

/// What a bar of colours takes beside a picture, with its numbers and its name, pixels of the sheet.
inline constexpr double kColorBarRoom = 92.0;

/// A number beside the bar; share 0: its foot, 1: its top.
struct ScaleTick {
  double share = 0.0;
  std::string text;
};

/// The colours from low, at the foot, to high, what they mean beside them, and what they are of.
void paintColorBar(QPainter& painter, analysis::ColorMap colors, QPointF corner, double height,
                   std::span<const ScaleTick> ticks, const QString& name);

}  // namespace headroom::figures
