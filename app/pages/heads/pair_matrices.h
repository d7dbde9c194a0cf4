#pragma once

#include <QWidget>
#include <optional>

#include "app/session/appearance.h"
#include "app/session/head_board.h"
#include "core/analysis/head_comparison.h"

namespace headroom::pages {

/// How heads compare: for each lane and layer a matrix of its heads against each other, query heads that read
/// one KV head side by side in a frame. All matrices have one scale.
class PairMatrices : public QWidget {
  Q_OBJECT

 public:
  PairMatrices(const session::HeadBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void setComparison(const analysis::HeadComparison& comparison);
  const analysis::HeadComparison& comparison() const { return *m_comparison; }
  void refresh();
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }
  /// Where the matrix of a layer is drawn; of a lane that has none, empty.
  QRectF matrixOf(std::size_t entry, int layer) const;
  /// What a tip says at that point; nothing where no matrix is.
  QString tipAt(QPointF point) const;

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
  QFont type() const;
  int headCount(std::size_t entry) const;
  /// Of an entry, 0 where there is nothing to compare.
  int layerCount(std::size_t entry) const;
  double matrixSize(std::size_t entry) const;
  int matricesPerRow(std::size_t entry) const;
  /// The sentence above the matrices, on as many lines as it needs.
  double summaryHeight(std::size_t entry) const;
  double topOf(std::size_t entry) const;
  std::optional<Pair> pairAt(QPointF point) const;
  QString summaryOf(std::size_t entry) const;
  void paintLegend(QPainter& painter) const;
  void paintMatrix(QPainter& painter, std::size_t entry, int layer) const;

  const session::HeadBoard& m_board;
  session::Appearance m_appearance;
  const analysis::HeadComparison* m_comparison;
};

}  // namespace headroom::pages
