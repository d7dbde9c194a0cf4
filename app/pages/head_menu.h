#pragma once

#include <QObject>

#include "app/session/selection.h"

class QMenu;

namespace headroom::pages {

class ExportCommands;

/// What can be done with a head, in a menu where the mouse is, and in the menu of the window for the head in
/// the inspector.
class HeadMenu : public QObject {
  Q_OBJECT

 public:
  HeadMenu(const session::TraceStore& store, session::Selection& selection, ExportCommands& exports,
           QWidget* window);

  /// Commands for the head in the inspector.
  void addTo(QMenu* decode);

 private:
  void show(const session::HeadAddress& head);
  void addSwitch(QMenu* menu, const session::HeadAddress& head, session::SwitchedHeads heads);

  const session::TraceStore& m_store;
  session::Selection& m_selection;
  ExportCommands& m_exports;
  QWidget* m_window;
};

}  // namespace headroom::pages
