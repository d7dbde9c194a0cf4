#pragma once

#include <QKeyEvent>
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
  bool event(QEvent* event) override {
    const bool isEscape =
        event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape;
    if (isEscape) event->accept();
    return QLineEdit::event(event);
  }
  void keyPressEvent(QKeyEvent* event) override {
    if (event->key() == Qt::Key_Escape) {
      emit left();
      return;
    }
    if (event->key() == Qt::Key_Space && hasSelectedText() && selectedText() == text()) end(false);
    QLineEdit::keyPressEvent(event);
  }
};

}  // namespace headroom::pages
