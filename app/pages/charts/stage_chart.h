#pragma once

#include <vector>

#include "app/pages/charts/chart.h"

namespace headroom::pages {

/// Where the time of a decode step goes: milliseconds of each stage and outside them, lanes side by side.
class StageChart : public Chart {
  Q_OBJECT

 public:
  explicit StageChart(QWidget* parent);
  void setAppearance(const session::Appearance& appearance) override;
  void refresh(const ChartSource& source) override;

 protected:
  QString valuesAt(double x) const override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  /// Full names of stages where they fit side by side, else short ones.
  void nameStages();

  std::vector<QCPBars*> m_bars;
  std::vector<QString> m_titles;
  std::vector<model::Overhead> m_overheads;  // [lane]
  std::vector<double> m_wallTimes;           // [lane]
  QCPBarsGroup* m_group;
};

}  // namespace headroom::pages
