#pragma once

#include <cstdint>
#include <vector>

#include "app/pages/charts/chart.h"

namespace headroom::pages {

/// Bytes that a decode step issues, over positions.
class TrafficChart : public Chart {
  Q_OBJECT

 public:
  explicit TrafficChart(QWidget* parent);
  void refresh(const ChartSource& source) override;

 protected:
  QString valuesAt(double x) const override;

 private:
  std::vector<figures::FigureLane> m_lanes;  ///< with the traffic so far
  std::vector<std::size_t> m_stepCounts;     ///< [lane], of steps that were looked at
  std::vector<int> m_filled;                 ///< LaneTrace::filledLength() that the points are of
  std::uint64_t m_run = 0;
};

}  // namespace headroom::pages
