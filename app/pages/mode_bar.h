#pragma once

#include <QFrame>

#include "app/session/appearance.h"

class QButtonGroup;
class QVBoxLayout;

namespace headroom::pages {

/// The window's modes, one under the other; exactly one is chosen.
class ModeBar : public QFrame {
  Q_OBJECT

 public:
  explicit ModeBar(QWidget* parent);

  /// Adds a mode below the others.
  void add(const QString& title, const QString& toolTip);
  int current() const;
  void setCurrent(int mode);
  void setAppearance(const session::Appearance& appearance);

 signals:
  void chosen(int mode);

 private:
  QButtonGroup* m_group;
  QVBoxLayout* m_layout;
};

}  // namespace headroom::pages
