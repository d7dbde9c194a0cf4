#pragma once

#include <QWidget>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/trace_store.h"
#include "core/analysis/weight_geometry.h"

namespace headroom::pages {

/// The matrices of each lane's model, all to one scale: across is what a matrix gives, down is what it takes.
class WeightsView : public QWidget {
  Q_OBJECT

 public:
  explicit WeightsView(QWidget* parent);
  void setAppearance(const session::Appearance& appearance);
  void refresh(const session::TraceStore& store);

  /// Pixels of the drawn matrices, for hit tests: lane, matrix, rectangle.
  struct Drawn {
    int lane = 0;
    analysis::WeightMatrix matrix;
    QRectF area;
  };
  const std::vector<Drawn>& drawn() const { return m_drawn; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool event(QEvent* event) override;

 private:
  struct Lane {
    QString title;
    QString kind;
    QColor color;
    int layerCount = 0;
    analysis::WeightGeometry geometry;
  };
  /// Places every matrix at the largest scale that fits.
  void place();
  double rowHeight(const Lane& lane, double scale) const;
  double rowWidth(const Lane& lane, double scale) const;
  QString label(const analysis::WeightMatrix& matrix) const;
  void paintLane(QPainter& painter, const Lane& lane, double top) const;

  session::Appearance m_appearance;
  std::vector<Lane> m_lanes;
  std::vector<Drawn> m_drawn;
  std::vector<double> m_tops;
  QFont m_small;
};

}  // namespace headroom::pages
