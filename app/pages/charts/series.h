#pragma once

#include <qcustomplot.h>

#include "app/figures/figure.h"

namespace headroom::pages {

// How charts draw what app/figures derives.

struct MarkLook {
  QCPScatterStyle::ScatterShape shape;
  const char* sign;  ///< the shape as a character, for legends of text
};
const MarkLook& lookOf(figures::Mark mark);

/// Shows the points of a series; joined where it has a stroke.
void setPoints(QCPGraph& graph, const figures::Series& series);
/// Solid lines `width` wide, others thinner, in the colour of the series.
QPen penOf(const figures::Series& series, double width);

}  // namespace headroom::pages
