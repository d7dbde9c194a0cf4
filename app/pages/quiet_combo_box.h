#pragma once

#include <QComboBox>
#include <QKeyEvent>

namespace headroom::pages {

/// A box whose letters search it: no single letter of the window fires while it has the keyboard.
class QuietComboBox : public QComboBox {
 public:
  using QComboBox::QComboBox;

 protected:
  bool event(QEvent* event) override {
    if (event->type() == QEvent::ShortcutOverride) {
      const auto* key = static_cast<QKeyEvent*>(event);
      const bool isTyped = (key->modifiers() & ~(Qt::ShiftModifier | Qt::KeypadModifier)) == Qt::NoModifier;
      if (isTyped && !key->text().isEmpty() && key->text().front().isPrint()) event->accept();
    }
    return QComboBox::event(event);
  }
};

}  // namespace headroom::pages
