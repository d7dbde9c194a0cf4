#pragma once

#include <qcustomplot.h>

#include "app/session/appearance.h"
#include "app/session/head_board.h"

namespace headroom::pages {

/// The effective rank of keys and of values, by layer, with what it can be at most: what sharing takes away.
class SubspaceChart : public QWidget {
  Q_OBJECT

 public:
  SubspaceChart(const session::HeadBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void refresh();

 private:
  /// Draws one of the two plots: of the weights, or of what lay in the cache.
  void refreshPlot(QCustomPlot& plot, bool ofCache);

  const session::HeadBoard& m_board;
  session::Appearance m_appearance;
  QLabel* m_note;
  QCustomPlot* m_weights;
  QCustomPlot* m_cache;
};

}  // namespace headroom::pages
