#pragma once

#include <optional>
#include <vector>

#include "app/figures/figure.h"
#include "app/pages/heads/head_sought.h"
#include "app/pages/heads/head_table.h"
#include "app/pages/page.h"
#include "app/session/head_board.h"
#include "app/session/inside_board.h"
#include "app/session/selection.h"

class QComboBox;
class QLabel;
class QPushButton;
class QScrollArea;
class QStackedWidget;
class QTabBar;
class QTableView;
class QToolButton;

namespace headroom::pages {

class HeadActions;
class HeadPairsView;
class InsideView;
class QuietComboBox;
class RepeatedTokensPopover;
class WorthView;
class ScoreGrid;
class SubspaceChart;

/// What heads do, measured: a table and a picture of all heads of all lanes, those that people look for, and
/// what a model loses without them. Beside that what goes on inside one lane's model.
class HeadsPage : public Page {
  Q_OBJECT

 public:
  HeadsPage(session::HeadBoard& board, session::InsideBoard& inside, session::Selection& selection,
            QWidget* parent);

  QString title() const override { return "Heads"; }
  QString purpose() const override {
    return "What each head looks at, how heads differ, and what the model loses without one";
  }
  void setAppearance(const session::Appearance& appearance) override;
  QRect messageArea() const override;

 signals:
  /// The chosen head in the live view.
  void liveWanted();
  /// To be read in the live view.
  void repeatedWanted(const headroom::evaluation::RepeatedTokens& repeated);
  /// A table, as comma-separated values, into a file.
  void saveWanted(const QString& name, const std::string& csv);
  void message(const headroom::session::Message& message);
  void figureWanted(const QString& name, const headroom::figures::Figure& figure);
  void figureTableWanted(const QString& name, const headroom::figures::Figure& figure);
  void messageAreaChanged();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void createTabs(session::InsideBoard& inside);
  QWidget* createControls();
  QWidget* createIntroduction();
  /// What the chosen tab shows.
  void showTab();
  /// That of the chosen tab, null for those of heads.
  const InsideView* inside() const;
  QString line() const;
  void copy(const std::string& csv);
  void measure();
  void chooseText(int index);
  void choose(const HeadRow& row);
  void chooseSelected();
  void showChosen();
  void sortBySought();
  void refresh();
  void refreshProgress();
  void fitColumns();
  /// All columns of the picture are in sight where that leaves room for the table.
  void fitGrid();
  const HeadSought& sought() const;
  QString summary() const;
  QString answer() const;

  session::HeadBoard& m_board;
  session::Selection& m_selection;
  session::StudyText m_text;
  std::optional<HeadRow> m_chosen;
  std::vector<HeadSought> m_sought;  ///< as the box has them
  HeadTable* m_table;
  HeadFilter* m_filter;
  QPushButton* m_measure;
  QuietComboBox* m_texts;
  QuietComboBox* m_kinds;
  QuietComboBox* m_lanes;
  QToolButton* m_repeatedButton;
  QToolButton* m_copy;
  QToolButton* m_save;
  RepeatedTokensPopover* m_repeated;
  WorthView* m_worth;
  QTabBar* m_tabs;
  QWidget* m_controls;
  QWidget* m_progress;
  QLabel* m_progressText;
  QStackedWidget* m_stack;
  QStackedWidget* m_views;
  QLabel* m_summary;
  QLabel* m_answer;
  QScrollArea* m_scroll;
  ScoreGrid* m_grid;
  QTableView* m_view;
  HeadPairsView* m_pairs;
  SubspaceChart* m_subspaces;
  std::vector<InsideView*> m_inside;  ///< a tab each
  HeadActions* m_actions;
};

}  // namespace headroom::pages
