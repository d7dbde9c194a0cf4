#pragma once

#include <QPainter>
#include <QRectF>

#include "app/figures/figure.h"

namespace headroom::figures {

/// Height of the drawing in a picture of that width.
double weightsHeight(const WeightDrawing& drawing, double width);

/// The matrices of every lane, all at the largest scale at which they fit into the width.
void paintWeights(QPainter& painter, const WeightDrawing& drawing, const QRectF& area);

}  // namespace headroom::figures
