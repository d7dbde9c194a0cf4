#pragma once

#include <optional>
#include <span>
#include <vector>

namespace headroom::analysis {

struct LinePoint {
  double x = 0.0;
  double y = 0.0;
};

/// y = intercept + slope x
struct Line {
  double intercept = 0.0;
  double slope = 0.0;

  double at(double x) const { return intercept + slope * x; }
};

/// The line that up to 29 % of wrong points do not move: the slope is the median of the slopes between all
/// pairs of points, the intercept the median of y - slope x (Theil 1950, Sen 1968). Takes n^2 / 2 steps.
/// Nothing when no two points differ in x.
std::optional<Line> robustLine(std::span<const LinePoint> points);

/// Up to `most` points, each of a range of equally many neighbours: the mean of x, the median of y.
std::vector<LinePoint> rangeMedians(std::span<const LinePoint> points, std::size_t most);

}  // namespace headroom::analysis
