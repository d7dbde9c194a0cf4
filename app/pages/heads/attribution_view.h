#pragma once

#include "app/pages/heads/inside_view.h"
#include "app/session/selection.h"

class QLabel;
class QPushButton;
class QTableWidget;

namespace headroom::pages {

class BarCells;
class LaneBox;
class QuietComboBox;

/// What each part of a lane's model adds to the logit of a token, or to that of one less another's: a table,
/// the largest first, with bars to either side.
class AttributionView : public InsideView {
  Q_OBJECT

 public:
  AttributionView(session::InsideBoard& board, session::Selection& selection, QWidget* parent);

  QString summary() const override;
  void setAppearance(const session::Appearance& appearance) override;

 protected:
  void showEvent(QShowEvent* event) override;
  std::string csv() const override { return m_board.attributionCsv(); }
  QString csvName() const override { return "parts"; }

 private:
  void ask();
  void chooseOther(int index);
  void refresh();
  void refreshControls();
  void offerCandidates();
  void fillTable();
  void choose(int row);
  void followSelection();
  QString quotedToken(int token) const;
  QString nameOf(const session::AddedPart& part) const;

  session::Selection& m_selection;
  QPushButton* m_find;
  LaneBox* m_lanes;
  QuietComboBox* m_other;
  /// What was chosen of the list, and how it was written there: the list may be another one since.
  std::optional<int> m_otherToken;
  QString m_otherLabel;
  QLabel* m_total;
  QTableWidget* m_table;
  BarCells* m_bars;
};

}  // namespace headroom::pages
