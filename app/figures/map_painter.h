#pragma once

#include <QPainter>
#include <QRectF>

#include "app/figures/figure.h"

namespace headroom::figures {

/// Height of a map, its labels and its axis in a picture of that width.
double mapHeight(const AttentionMap& map, double width);

/// Map, tokens at both axes and the scale, within `area`.
void paintMap(QPainter& painter, const AttentionMap& map, const QRectF& area);

}  // namespace headroom::figures
