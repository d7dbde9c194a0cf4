#include "app/pages/help/reference_pages.h"

#include <QAction>
#include <QKeySequence>
#include <QMenu>
#include <QMenuBar>
#include <QStringList>
#include <algorithm>

#include "app/pages/texts.h"
#include "core/analysis/glossary.h"

namespace headroom::pages {

namespace {
bool hasAll(const QString& text, const QString& search) {
  const QStringList words = search.split(' ', Qt::SkipEmptyParts);
  return std::ranges::all_of(words,
                             [&](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
}

QString nothingFound(const QString& what, const QString& search) {
  return QString("<p>No %1 has \u201c%2\u201d.</p>").arg(what, search.toHtmlEscaped());
}

QString entryOf(const analysis::Term& term) {
  QString entry =
      QString("<p><b>%1</b><br>%2").arg(toQt(term.name).toHtmlEscaped(), toQt(term.meaning).toHtmlEscaped());
  if (!term.formula.empty()) entry += QString("<br><i>%1</i>").arg(toQt(term.formula).toHtmlEscaped());
  return entry + "</p>";
}

/// The entries of a menu and of those in it that have keys.
QString rowsOf(const QMenu& menu, const QString& heading, const QString& search) {
  QString rows;
  for (const QAction* action : menu.actions()) {
    if (const QMenu* below = action->menu()) {
      rows += rowsOf(*below, heading, search);
      continue;
    }
    const QString name = action->text().remove('&').remove(QChar(0x2026));
    const QString keys = QKeySequence::listToString(action->shortcuts(), QKeySequence::NativeText);
    if (keys.isEmpty() || !hasAll(heading + " " + name + " " + keys, search)) continue;
    rows += QString("<tr><td style='padding-right:24px'>%1</td><td>%2</td></tr>")
                .arg(name.toHtmlEscaped(), keys.toHtmlEscaped());
  }
  return rows;
}
}  // namespace

QString glossaryPage(const QString& search) {
  QString named;
  QString others;
  for (const analysis::Term& term : analysis::glossary()) {
    const QString whole = toQt(term.name + " " + term.meaning + " " + term.formula);
    if (!hasAll(whole, search)) continue;
    (hasAll(toQt(term.name), search) ? named : others) += entryOf(term);
  }
  const QString found = named + others;
  return found.isEmpty() ? nothingFound("term", search) : found;
}

QString shortcutsPage(const QMenuBar& menus, const QString& search) {
  QString page;
  for (const QAction* entry : menus.actions()) {
    if (!entry->menu()) continue;
    const QString heading = entry->text().remove('&');
    const QString rows = rowsOf(*entry->menu(), heading, search);
    if (rows.isEmpty()) continue;
    page += QString("<h3>%1</h3><table cellpadding='2'>%2</table>").arg(heading.toHtmlEscaped(), rows);
  }
  return page.isEmpty() ? nothingFound("command", search) : page;
}

}  // namespace headroom::pages
