#pragma once

#include <QLineEdit>

namespace headroom::pages {

/// The prompt's line. Escape leaves it, and a space, which plays everywhere else, replaces no whole prompt.
class PromptEdit : public QLineEdit {
  Q_OBJECT

 public:
  using QLineEdit::QLineEdit;

 signals:
  void left();

 protected:
  bool event(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
};

}  // namespace headroom::pages
