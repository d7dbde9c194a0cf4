#include "app/pages/live/prompt_edit.h"

#include <QKeyEvent>

namespace headroom::pages {

bool PromptEdit::event(QEvent* event) {
  // Else the window's own Escape would close something behind it.
  const bool isEscape =
      event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape;
  if (isEscape) event->accept();
  return QLineEdit::event(event);
}

void PromptEdit::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape) {
    emit left();
    return;
  }
  if (event->key() == Qt::Key_Space && hasSelectedText() && selectedText() == text()) end(false);
  QLineEdit::keyPressEvent(event);
}

}  // namespace headroom::pages
