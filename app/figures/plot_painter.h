#pragma once

#include <QPainter>
#include <QRectF>

#include "app/figures/figure.h"

namespace headroom::figures {

/// Legend, axes and what they hold, within `area`.
void paintPlot(QPainter& painter, const LinePlot& plot, const QRectF& area);
void paintPlot(QPainter& painter, const BarPlot& plot, const QRectF& area);

}  // namespace headroom::figures
