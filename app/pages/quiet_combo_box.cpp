#include "app/pages/quiet_combo_box.h"

#include <QAbstractItemView>
#include <QKeyEvent>

namespace headroom::pages {

void QuietComboBox::hidePopup() {
  const bool wasOpen = view()->isVisible();
  QComboBox::hidePopup();
  if (wasOpen) emit popupLeft();
}

bool QuietComboBox::event(QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride) {
    const auto* key = static_cast<QKeyEvent*>(event);
    const bool isTyped = (key->modifiers() & ~(Qt::ShiftModifier | Qt::KeypadModifier)) == Qt::NoModifier;
    if (isTyped && !key->text().isEmpty() && key->text().front().isPrint()) event->accept();
  }
  return QComboBox::event(event);
}

}  // namespace headroom::pages
