#pragma once

#include <QWidget>
#include <optional>

#include "app/pages/heads/head_table.h"

class QLabel;
class QToolButton;

namespace headroom::pages {

/// What can be done with the chosen head, and what its loss costs the model.
class HeadActions : public QWidget {
  Q_OBJECT

 public:
  HeadActions(session::HeadBoard& board, QWidget* parent);

  void setChosen(std::optional<HeadRow> row);
  void refresh();

 signals:
  /// In the live view, with its inspector.
  void mapWanted();

 private:
  /// Fills a button's menu with what the heads can give, when it opens.
  void offerChanges(QToolButton* button, std::vector<model::HeadPlace> (HeadActions::*heads)() const);
  void allLosses();
  model::HeadPlace place() const;
  std::vector<model::HeadPlace> group() const;
  std::vector<model::HeadPlace> chosen() const { return {place()}; }
  int kvHead() const;
  /// "KV0 and its 8 heads".
  QString groupName() const;
  QString sentence() const;

  session::HeadBoard& m_board;
  std::optional<HeadRow> m_row;
  QLabel* m_sentence;
  QToolButton* m_map;
  QToolButton* m_switch;
  QToolButton* m_change;
  QToolButton* m_switchGroup;
  QToolButton* m_changeGroup;
  QToolButton* m_loss;
  QToolButton* m_groupLoss;
  QToolButton* m_groupLosses;
  QToolButton* m_losses;
};

}  // namespace headroom::pages
