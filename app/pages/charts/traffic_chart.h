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
  std::vector<int> m_nextPosition;  // [lane]
  std::vector<QString> m_titles;
  std::uint64_t m_run = 0;
  double m_largest = 0.0;
};

}  // namespace headroom::pages
