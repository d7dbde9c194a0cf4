#pragma once

#include "app/pages/heads/inside_view.h"
#include "app/session/selection.h"

class QLabel;
class QPushButton;
class QTableWidget;

namespace headroom::pages {

class ColorCells;
class LaneBox;

/// What a lane's model would say if it ended before a layer: layers down, tokens across, each cell the most
/// likely token and, as its ground, its probability. Below, of one position, more of them by layer.
class LensView : public InsideView {
  Q_OBJECT

 public:
  LensView(session::InsideBoard& board, session::Selection& selection, QWidget* parent);

  QString summary() const override;
  void setAppearance(const session::Appearance& appearance) override;

 protected:
  std::string csv() const override { return m_board.lensCsv(); }
  QString csvName() const override { return "layers"; }

 private:
  void refresh();
  void refreshControls();
  void fillGrid();
  void fillDetail();
  void chooseColumn(int column);
  void followSelection();
  QString tokenAt(int position) const;
  QString layerName(int layer) const;

  session::Selection& m_selection;
  session::Appearance m_appearance;
  int m_position = -1;  ///< whose layers are below
  LaneBox* m_lanes;
  QPushButton* m_read;
  QTableWidget* m_grid;
  ColorCells* m_cells;
  QLabel* m_chosen;
  QTableWidget* m_detail;
};

}  // namespace headroom::pages
