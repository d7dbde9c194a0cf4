#pragma once

#include <QPainter>
#include <QRectF>

#include "app/figures/figure.h"

namespace headroom::figures {

/// Height of all lanes' maps with their labels in a picture of that width.
double headCellsHeight(const HeadCells& cells, double width);

/// Lane after lane its maps, labelled, and the scale beside them, within `area`.
void paintHeadCells(QPainter& painter, const HeadCells& cells, const QRectF& area);

}  // namespace headroom::figures
