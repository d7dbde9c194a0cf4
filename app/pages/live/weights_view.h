#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/selection.h"
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
  /// Lights the columns of W_K and W_V that belong to the pointed KV head, and those of W_Q that read it.
  void showPointed(const session::TraceStore& store, const session::Selection& selection);

  /// Pixels of the drawn matrices, for hit tests: lane, matrix, rectangle.
  struct Drawn {
    int lane = 0;
    analysis::WeightMatrix matrix;
    QRectF area;
  };
  const std::vector<Drawn>& drawn() const { return m_drawn; }

 signals:
  /// The mouse is on columns of W_K or W_V of this KV head, or has left them.
  void kvHeadPointed(std::optional<headroom::session::KvHeadAddress> head);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool event(QEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Lane {
    QString title;
    QString kind;
    QColor color;
    int layerCount = 0;
    model::AttentionShape heads;
    analysis::WeightGeometry geometry;
    std::optional<session::LitHeads> lit = {};
  };
  /// Places every matrix at the largest scale that fits.
  void place();
  double rowHeight(const Lane& lane, double scale) const;
  double rowWidth(const Lane& lane, double scale) const;
  QString label(const analysis::WeightMatrix& matrix) const;
  /// The part of a drawn matrix that is lit; empty for none.
  QRectF litColumns(const Drawn& matrix) const;
  std::optional<session::KvHeadAddress> kvHeadAt(QPointF point) const;
  void paintLane(QPainter& painter, const Lane& lane, double top) const;

  session::Appearance m_appearance;
  std::vector<Lane> m_lanes;
  std::vector<Drawn> m_drawn;
  std::vector<double> m_tops;
  QFont m_small;
};

}  // namespace headroom::pages
