#pragma once

#include <QWidget>
#include <optional>

#include "app/session/appearance.h"
#include "app/session/head_board.h"

namespace headroom::pages {

/// How unlike heads look at the text: for each lane and layer a matrix of its query heads against each other,
/// heads of one KV head side by side in a frame.
class DivergenceView : public QWidget {
  Q_OBJECT

 public:
  DivergenceView(const session::HeadBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void refresh();
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }
  /// Where the matrix of a layer is drawn.
  QRectF matrixOf(std::size_t entry, int layer) const;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  /// A pair of heads under the mouse.
  struct Pair {
    std::size_t entry = 0;
    int layer = 0;
    int head = 0;
    int other = 0;
  };
  double line() const;
  double matrixSize(std::size_t entry) const;
  int matricesPerRow(std::size_t entry) const;
  double topOf(std::size_t entry) const;
  std::optional<Pair> pairAt(QPointF point) const;
  QString summaryOf(std::size_t entry) const;
  void paintMatrix(QPainter& painter, std::size_t entry, int layer) const;

  const session::HeadBoard& m_board;
  session::Appearance m_appearance;
};

}  // namespace headroom::pages
