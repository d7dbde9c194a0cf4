#pragma once

#include <vector>

#include "app/pages/charts/chart.h"
#include "core/analysis/speed_view.h"

namespace headroom::pages {

/// The LaneRequest::colorIndex of the lane that decodes the curve's model; -1 where it is gone.
int colorIndexOf(const session::TraceStore& store, const analysis::SpeedCurve& curve);

/// Time of a step over the context, or over the batch, as the last sweep measured it: points with the least
/// and the most of their rounds, a fitted line that is dashed where nothing was measured, and where a layout
/// becomes 1.5 and 2 times as fast as that with the most KV heads.
class SpeedChart : public Chart {
  Q_OBJECT

 public:
  SpeedChart(analysis::SpeedOver over, QWidget* parent);

  analysis::SpeedOver over() const { return m_over; }

  void refresh(const ChartSource& source) override;

 protected:
  QString valuesAt(double x) const override;

 private:
  void remark();
  void draw(const figures::Series& series);
  void drawCrossings();
  void markCrossing(double positions, const QString& label, int place);

  analysis::SpeedOver m_over;
  analysis::SpeedMap m_map;
  analysis::SpeedView m_view;
  bool m_isEarlier = false;
  std::vector<QCPAbstractItem*> m_items;
};

}  // namespace headroom::pages
