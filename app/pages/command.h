#pragma once

#include <QAction>
#include <QKeySequence>
#include <QMenu>
#include <functional>
#include <utility>

namespace headroom::pages {

/// An entry of `menu` with its keys.
inline QAction* addCommand(QMenu* menu, const QString& text, const QKeySequence& keys,
                           std::function<void()> act) {
  QAction* action = menu->addAction(text);
  action->setShortcut(keys);
  QObject::connect(action, &QAction::triggered, menu, [act = std::move(act)] { act(); });
  return action;
}

}  // namespace headroom::pages
