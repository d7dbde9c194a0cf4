#pragma once

#include <QFrame>
#include <QTimer>
#include <optional>
#include <vector>

#include "app/session/appearance.h"
#include "app/session/selection.h"
#include "app/session/trace_store.h"
#include "core/analysis/verdict.h"

class QButtonGroup;
class QLabel;
class QPushButton;

namespace headroom::pages {

/// What lies below it.
enum class LowerView { Charts, Roofline, Weights };
inline constexpr int kLowerViewCount = 3;

/// One line below the lanes: what limits a step here and where sharing keys and values would pay, with a
/// button that goes there. While a context is filled it shows how far.
class VerdictStrip : public QFrame {
  Q_OBJECT

 public:
  VerdictStrip(const session::TraceStore& store, const session::Selection& selection, QWidget* parent);

  void setAppearance(const session::Appearance& appearance);
  void setState(const session::SessionState& state);
  void setView(LowerView view);
  /// Whether there is a place to go back to.
  void setReturn(std::optional<QString> place);
  const analysis::Verdict& verdict() const { return m_verdict; }
  /// Where the button leads: to 2 times, or to 1.5 times where that is out of reach.
  std::optional<analysis::OperatingPoint> destination() const;

 signals:
  void viewChosen(headroom::pages::LowerView view);
  void goThere();
  void goBack();
  void stopFilling();
  void measureCeilings();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void request();
  void refresh();
  void showVerdict();
  void showFilling();
  /// The trained context of a lane that is looked at beyond it.
  std::optional<int> beyondTraining() const;
  QString explanation() const;
  /// `note` is shown behind the line where that leaves the lanes their height.
  void setText(const QString& line, const QString& note, const QString& toolTip);
  /// Makes room for all lines of the text: what lies below is then never pushed out of the window.
  void fitText();

  const session::TraceStore& m_store;
  const session::Selection& m_selection;
  session::Appearance m_appearance;
  session::SessionState m_state;
  analysis::Verdict m_verdict;
  QButtonGroup* m_views;
  QLabel* m_text;
  QString m_line;
  QString m_note;
  QPushButton* m_measure;
  QPushButton* m_back;
  QPushButton* m_go;
  QPushButton* m_stop;
  QTimer m_timer;
};

}  // namespace headroom::pages
