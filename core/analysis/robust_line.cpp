#include "core/analysis/robust_line.h"

#include <algorithm>

#include "core/model/statistics.h"

namespace headroom::analysis {

std::optional<Line> robustLine(std::span<const LinePoint> points) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      const double run = points[j].x - points[i].x;
      if (run != 0.0) slopes.push_back((points[j].y - points[i].y) / run);
    }
  }
  if (slopes.empty()) return std::nullopt;
  Line line{.slope = model::median(std::move(slopes))};
  std::vector<double> intercepts;
  for (const LinePoint& point : points) intercepts.push_back(point.y - line.slope * point.x);
  line.intercept = model::median(std::move(intercepts));
  return line;
}

std::vector<LinePoint> rangeMedians(std::span<const LinePoint> points, std::size_t most) {
  const std::size_t count = std::min(most, points.size());
  std::vector<LinePoint> medians;
  for (std::size_t range = 0; range < count; ++range) {
    const std::size_t from = points.size() * range / count;
    const std::size_t to = points.size() * (range + 1) / count;
    double x = 0.0;
    std::vector<double> values;
    for (const LinePoint& point : points.subspan(from, to - from)) {
      x += point.x / static_cast<double>(to - from);
      values.push_back(point.y);
    }
    medians.push_back({x, model::median(std::move(values))});
  }
  return medians;
}

}  // namespace headroom::analysis
