#pragma once

#include <QRect>
#include <QString>
#include <QWidget>

#include "app/session/appearance.h"

class QMenu;

namespace headroom::pages {

/// Menus of the window that pages put their commands into.
struct PageMenus {
  QMenu* decode;
  QMenu* explain;
  QMenu* look;
};

/// One mode of the window: a whole page with a place in the mode bar.
class Page : public QWidget {
 public:
  explicit Page(QWidget* parent) : QWidget(parent) {}

  /// One word, for the mode bar.
  virtual QString title() const = 0;
  /// What one does there, for the tool tip.
  virtual QString purpose() const = 0;
  virtual void setAppearance(const session::Appearance& appearance) = 0;
  /// Where messages may float, in the page's coordinates.
  virtual QRect messageArea() const { return rect(); }
  /// Commands work on every page.
  virtual void addCommands(const PageMenus& menus) { static_cast<void>(menus); }
};

}  // namespace headroom::pages
