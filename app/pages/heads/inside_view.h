#pragma once

#include <QWidget>
#include <string>

#include "app/session/appearance.h"
#include "app/session/inside_board.h"

class QGridLayout;
class QToolButton;
class QVBoxLayout;

namespace headroom::pages {

class WrapLayout;

/// With its sign, "\u22120.036", "+1.2"; what rounds to nothing has none.
QString signedText(double value, int decimals);

/// A tab that shows what goes on inside one lane's model: what it asks with above, then what it is about
/// until something is known, and from there on that.
class InsideView : public QWidget {
  Q_OBJECT

 public:
  /// `name` begins the names of what is in it; `introduction` is rich text.
  InsideView(session::InsideBoard& board, const QString& name, const QString& introduction, QWidget* parent);

  /// What is shown, in a sentence; empty before anything is known.
  virtual QString summary() const = 0;
  virtual void setAppearance(const session::Appearance& appearance) = 0;

 signals:
  void summaryChanged();
  void copyWanted(const std::string& csv);
  void saveWanted(const QString& name, const std::string& csv);

 protected:
  /// What it shows, as comma-separated values.
  virtual std::string csv() const = 0;
  virtual QString csvName() const = 0;
  void addControl(QWidget* widget, const QString& name, const QString& tip);
  /// Behind the other controls.
  void addTableButtons();
  /// Fields below the controls.
  QGridLayout* form() { return m_form; }
  QVBoxLayout* results() { return m_resultRows; }
  void showResults(bool areThere);
  /// That the lane has gone on in another way than what is shown, else nothing.
  QString staleNote(const session::ReadText& text) const;

  session::InsideBoard& m_board;

 private:
  QString m_name;
  WrapLayout* m_controls;
  QGridLayout* m_form;
  QWidget* m_introduction;
  QWidget* m_results;
  QVBoxLayout* m_resultRows;
  QToolButton* m_copy;
  QToolButton* m_save;
};

}  // namespace headroom::pages
