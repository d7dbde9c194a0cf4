#pragma once

#include <vector>

#include "app/pages/chart.h"

namespace headroom::pages {

/// Where the time of a decode step goes: milliseconds of each stage, lanes side by side.
class StageChart : public Chart {
  Q_OBJECT

 public:
  explicit StageChart(QWidget* parent);
  void setAppearance(const session::Appearance& appearance) override;
  void refresh(const session::TraceStore& store, const session::Selection& selection) override;

 protected:
  QString valuesAt(double x) const override;

 private:
  std::vector<QCPBars*> m_bars;
  std::vector<QString> m_titles;
  QCPBarsGroup* m_group;
};

}  // namespace headroom::pages
