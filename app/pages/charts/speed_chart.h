#pragma once

#include <vector>

#include "app/pages/charts/chart.h"
#include "core/analysis/speed_map.h"

namespace headroom::pages {

/// Time of a step over the context, or over the batch, as the last sweep measured it: points with the least
/// and the most of their rounds, a fitted line that is dashed where nothing was measured, and where a layout
/// becomes 1.5 and 2 times as fast as that with the most KV heads.
class SpeedChart : public Chart {
  Q_OBJECT

 public:
  enum class Over { Context, Batch };
  SpeedChart(Over over, QWidget* parent);

  void refresh(const ChartSource& source) override;

 protected:
  QString valuesAt(double x) const override;

 private:
  /// What a curve's points lie at, of those that this chart shows.
  struct Sample {
    double x = 0.0;
    model::Spread ms;
  };
  std::vector<Sample> samplesOf(const analysis::SpeedCurve& curve) const;
  void drawCurve(const analysis::SpeedCurve& curve, QColor color);
  void drawCrossings();
  void markCrossing(double positions, const QString& label, int place);

  Over m_over;
  analysis::SpeedMap m_map;
  int m_batch = 1;      ///< at which contexts are compared
  int m_positions = 0;  ///< at which batches are
  double m_last = 0.0;  ///< the farthest x that was measured
  std::vector<QCPAbstractItem*> m_items;
};

}  // namespace headroom::pages
