#pragma once

#include <QWidget>

#include "app/session/selection.h"

class QLabel;
class QLineEdit;

namespace headroom::pages {

/// Finds tokens by their text: they are marked in texts and maps, and the views go from one to the next.
class FindBar : public QWidget {
  Q_OBJECT

 public:
  FindBar(const session::TraceStore& store, session::Selection& selection, QWidget* parent);

  /// Shows the bar, ready to type.
  void open();
  /// Takes the marks away; false where there was no bar.
  bool close();
  /// Looks at the next place, or the one before, of the lane that is inspected, else of the first.
  void go(int by);

 protected:
  void keyPressEvent(QKeyEvent* event) override;

 private:
  /// Where that lane has it.
  std::vector<int> places() const;
  int lane() const;
  void refresh();

  const session::TraceStore& m_store;
  session::Selection& m_selection;
  QLineEdit* m_sought;
  QLabel* m_count;
};

}  // namespace headroom::pages
