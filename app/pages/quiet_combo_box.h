#pragma once

#include <QComboBox>

namespace headroom::pages {

/// A box whose letters search it: no single letter of the window fires while it has the keyboard.
class QuietComboBox : public QComboBox {
  Q_OBJECT

 public:
  using QComboBox::QComboBox;

  void hidePopup() override;

 signals:
  /// The list was open, and somebody chose from it or gave up.
  void popupLeft();

 protected:
  bool event(QEvent* event) override;
};

}  // namespace headroom::pages
