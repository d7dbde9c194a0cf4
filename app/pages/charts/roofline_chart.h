#pragma once

#include <vector>

#include "app/pages/charts/chart.h"
#include "core/analysis/roofline.h"

namespace headroom::pages {

/// What each stage of each lane reaches, against what the device can: GFLOP/s over FLOPs per issued byte,
/// both logarithmic. Colour is the lane, shape is the stage.
class RooflineChart : public Chart {
  Q_OBJECT

 public:
  explicit RooflineChart(QWidget* parent);
  void setAppearance(const session::Appearance& appearance) override;
  void refresh(const ChartSource& source) override;

  struct Dot {
    QString lane;
    QColor color;
    analysis::RooflinePoint point;
  };
  const std::vector<Dot>& dots() const { return m_dots; }

 protected:
  QString valuesAt(double x) const override;
  void mouseMoveEvent(QMouseEvent* event) override;

 private:
  void collect(const ChartSource& source);
  /// What the axes then show.
  analysis::RooflineRange setRanges(const model::DeviceCeilings& ceilings);
  /// One of `roofs`.
  void drawRoof(const figures::Series& roof, const std::vector<figures::Series>& roofs);
  void drawDots();
  void drawLegend();
  /// How many it has, with the space between lanes and stages.
  double legendLines() const;
  /// Text at axis coordinates.
  void label(const QString& text, double x, double y, Qt::Alignment alignment);
  /// Text at pixels, also outside the axes.
  void write(const QString& text, QPointF at, const QColor& color);

  std::vector<Dot> m_dots;
  std::vector<QCPAbstractItem*> m_items;  // of the last refresh; owned by the plot
  QPointF m_mouse;
  QString m_ceilings;
};

}  // namespace headroom::pages
