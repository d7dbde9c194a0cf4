#pragma once

#include <qcustomplot.h>

#include "app/figures/subspace_figure.h"
#include "app/session/appearance.h"
#include "app/session/head_board.h"

namespace headroom::pages {

/// What entries of the board have of keys' and values' directions, in the colours of that palette.
std::vector<figures::SubspaceLane> subspaceLanes(const session::HeadBoard& board,
                                                 std::span<const session::Color> colors);

/// The effective rank of keys and of values, by layer, with what it can be at most: what sharing takes away.
class SubspaceChart : public QWidget {
  Q_OBJECT

 public:
  SubspaceChart(const session::HeadBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void refresh();
  QCustomPlot& plot(figures::SubspacesOf of) {
    return *(of == figures::SubspacesOf::Weights ? m_weights : m_cache);
  }

 private:
  void showPlot(QCustomPlot& plot, figures::SubspacesOf of);

  const session::HeadBoard& m_board;
  session::Appearance m_appearance;
  QLabel* m_note;
  QCustomPlot* m_weights;
  QCustomPlot* m_cache;
};

}  // namespace headroom::pages
