#pragma once

#include "app/pages/heads/inside_view.h"
#include "app/session/selection.h"

class QLabel;
class QLineEdit;
class QPushButton;
class QTableWidget;

namespace headroom::pages {

class ColorCells;
class LaneBox;
class QuietComboBox;

/// Which parts of a lane's model carry what tells two texts apart: a map of what a copy of each part from one
/// text's run into the other's changes.
class PatchView : public InsideView {
  Q_OBJECT

 public:
  PatchView(session::InsideBoard& board, session::Selection& selection, QWidget* parent);

  QString summary() const override;
  void setAppearance(const session::Appearance& appearance) override;

 protected:
  std::string csv() const override { return m_board.patchesCsv(); }
  QString csvName() const override { return "patching"; }

 private:
  QLineEdit* addField(const char* name, const char* title, const char* hint, const char* tip);
  void ask();
  void refresh();
  void refreshControls();
  void fillMap();
  void fillHeader();
  QString cellTip(int row, int column, double effect) const;
  QString rowName(int row) const;
  QString quotedToken(int token) const;
  void choose(int row, int column);

  session::Selection& m_selection;
  session::Appearance m_appearance;
  QPushButton* m_copyValues;
  LaneBox* m_lanes;
  QuietComboBox* m_place;
  QLabel* m_memory;
  QLineEdit* m_clean = nullptr;
  QLineEdit* m_corrupt = nullptr;
  QLineEdit* m_answer = nullptr;
  QLineEdit* m_otherAnswer = nullptr;
  QLabel* m_differences;
  QTableWidget* m_map;
  ColorCells* m_cells;
};

}  // namespace headroom::pages
