#pragma once

#include <QString>

class QMenuBar;

namespace headroom::pages {

/// The glossary's terms that have every word of `search`, those with it in their names first. HTML.
QString glossaryPage(const QString& search);

/// The keys of all commands in the menus, by menu, likewise.
QString shortcutsPage(const QMenuBar& menus, const QString& search);

}  // namespace headroom::pages
