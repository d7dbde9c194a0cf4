#pragma once

#include <vector>

#include "app/pages/charts/chart.h"

namespace headroom::pages {

/// KV cache over positions: what each lane has filled, and where it goes until its context limit.
class GrowthChart : public Chart {
  Q_OBJECT

 public:
  explicit GrowthChart(QWidget* parent);
  void refresh(const ChartSource& source) override;

 protected:
  QString valuesAt(double x) const override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  struct Lane {
    QString title;
    QString limit;  ///< "4.19 MB"
    analysis::CacheGrowth growth;
    std::optional<analysis::BytesAt> counted;  ///< what is filled now; nothing of a lane without a cache
    int length = 0;
  };
  /// Each lane with what it could hold, where that fits. What it holds changes too fast for a name.
  void nameLanes();

  std::vector<Lane> m_lanes;
};

}  // namespace headroom::pages
