#pragma once

#include <QElapsedTimer>
#include <QFrame>
#include <optional>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/speed_board.h"
#include "app/session/trace_store.h"

class QButtonGroup;
class QLabel;
class QPushButton;
class QToolButton;

namespace headroom::pages {

/// What lies below it.
enum class LowerView { Charts, Speed, Roofline, Weights };
inline constexpr int kLowerViewCount = 4;

/// One line below the lanes: what sharing keys and values brings here, as measured, with buttons that say
/// why, measure more and go to where it brings more. While a context is filled or a sweep runs it shows how
/// far.
class VerdictStrip : public QFrame {
  Q_OBJECT

 public:
  VerdictStrip(const session::TraceStore& store, const session::SpeedBoard& board, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void setState(const session::SessionState& state);
  /// What shows below it; nothing where that is folded.
  void setView(std::optional<LowerView> view);
  /// Whether there is a place to go back to.
  void setReturn(std::optional<QString> place);
  /// Where the button leads.
  std::optional<analysis::OperatingPoint> destination() const;

 signals:
  void viewChosen(headroom::pages::LowerView view);
  void goThere();
  void goBack();
  void stopFilling();
  void measureSpeed();
  void stopMeasuring();

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void refresh();
  /// Nothing while it is not known.
  std::optional<int> secondsLeft(const session::Filling& filling) const;
  void showVerdict();
  /// What takes its time just now, in one line.
  void showProgress(const QString& text);
  void explain();
  /// What is to be said of a lane that decodes beyond its trained context; empty when none does.
  QString untrainedNote() const;
  QString explanation() const;
  /// `note` is shown behind the line where that leaves the lanes their height.
  void setText(const QString& line, const QString& note, const QString& toolTip);
  /// Whether the views have a button each, or one for all where the text needs the room.
  void fitViews();
  /// The buttons behind the text: in one row, or in two as high as the text.
  void arrangeButtons(int rows);
  void offerViews();
  std::vector<QWidget*> seenButtons() const;
  /// Makes room for all lines of the text: what lies below is then never pushed out of the window.
  void fitText();

  const session::TraceStore& m_store;
  const session::SpeedBoard& m_board;
  session::Appearance m_appearance;
  session::SessionState m_state;
  QElapsedTimer m_sinceFilling;
  int m_filledBefore = 0;  // positions of all lanes, when it began to be timed
  QButtonGroup* m_views;
  QToolButton* m_allViews;  ///< a menu of them
  QWidget* m_buttons;
  std::vector<QWidget*> m_arranged;  // those that are seen, as they were laid out last
  int m_arrangedRows = 0;
  QLabel* m_text;
  QString m_line;
  QString m_note;
  QPushButton* m_why;
  QPushButton* m_measure;
  QPushButton* m_back;
  QPushButton* m_go;
  QPushButton* m_stop;
};

}  // namespace headroom::pages
