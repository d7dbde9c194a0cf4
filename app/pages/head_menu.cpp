#include "app/pages/head_menu.h"

#include <QCursor>
#include <QMenu>
#include <algorithm>

#include "app/pages/command.h"
#include "app/pages/export_commands.h"
#include "app/pages/head_changes.h"
#include "app/pages/texts.h"
#include "app/session/lane_change.h"

namespace headroom::pages {

HeadMenu::HeadMenu(const session::TraceStore& store, session::Selection& selection, ExportCommands& exports,
                   QWidget* window)
    : QObject(window), m_store(store), m_selection(selection), m_exports(exports), m_window(window) {
  // It is asked for while the live view draws a frame.
  connect(&selection, &session::Selection::headMenuWanted, this, &HeadMenu::show, Qt::QueuedConnection);
}

void HeadMenu::addTo(QMenu* decode) {
  decode->addSeparator();
  const auto switchShown = [this](session::SwitchedHeads heads) {
    if (m_selection.head()) m_selection.askToSwitch(*m_selection.head(), heads);
  };
  QAction* head = addCommand(decode, "Take the inspected &head away, or bring it back", Qt::CTRL | Qt::Key_H,
                             [=] { switchShown(session::SwitchedHeads::QueryHead); });
  QAction* group =
      addCommand(decode, "The same with its &KV head and all that read it", Qt::CTRL | Qt::SHIFT | Qt::Key_H,
                 [=] { switchShown(session::SwitchedHeads::KvHead); });
  connect(decode, &QMenu::aboutToShow, this, [this, head, group] {
    for (QAction* action : {head, group}) action->setEnabled(m_selection.head().has_value());
  });
  // Keys work whether the menu was open or not.
  connect(decode, &QMenu::aboutToHide, this, [head, group] {
    for (QAction* action : {head, group}) action->setEnabled(true);
  });
}

void HeadMenu::addSwitch(QMenu* menu, const session::HeadAddress& head, session::SwitchedHeads heads) {
  const session::LaneInfo& info = m_store.lane(head.lane).info();
  const auto places = session::headsOf(head, heads, info.config.attention);
  const bool isGroup = heads == session::SwitchedHeads::KvHead;
  if (isGroup && places.size() < 2) return;  // its group is the head
  const bool areChanged =
      std::ranges::all_of(places, [&](const auto& place) { return info.changeOf(place) != nullptr; });
  const QString what = isGroup ? QString("KV head %1 and its %2 heads")
                                     .arg(info.config.attention.kvHeadOf(head.queryHead))
                                     .arg(places.size())
                               : QString("head %1").arg(toQt(model::headName(places.front())));
  QAction* action = menu->addAction((areChanged ? "Bring %1 back" : QString("Take %1 away")).arg(what));
  action->setObjectName(isGroup ? "switch group" : "switch head");
  connect(action, &QAction::triggered, this, [this, head, heads] { m_selection.askToSwitch(head, heads); });
  QMenu* changes = menu->addMenu(QString("Let %1 give").arg(what));
  changes->setObjectName(isGroup ? "change group" : "change head");
  std::vector<const model::HeadChange*> now;
  for (const model::HeadPlace& place : places) now.push_back(info.changeOf(place));
  addHeadChanges(changes, now, [this, head, heads](const auto& change) {
    m_selection.askToChange({head, heads, change});
  });
}

void HeadMenu::show(const session::HeadAddress& head) {
  // Lanes may have changed since it was asked for.
  if (head.lane >= m_store.laneCount()) return;
  auto* menu = new QMenu(m_window);
  menu->setObjectName("head menu");
  menu->setAttribute(Qt::WA_DeleteOnClose);
  if (!m_store.lane(head.lane).info().card.isTrace) {
    addSwitch(menu, head, session::SwitchedHeads::QueryHead);
    addSwitch(menu, head, session::SwitchedHeads::KvHead);
    menu->addSeparator();
  }
  m_exports.addMapActions(menu, head);
  menu->popup(QCursor::pos());
}

}  // namespace headroom::pages
