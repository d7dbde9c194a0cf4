#include "app/pages/models/model_cards.h"

#include <QScrollBar>
#include <algorithm>
#include <vector>

#include "app/pages/colors.h"

namespace headroom::pages {

namespace {

/// Rows in the order of the first card that has them; a label that a card has several times is joined.
struct Table {
  std::vector<QString> labels;
  std::vector<bool> warns;                  // [label]
  std::vector<std::vector<QString>> cells;  // [label][lane], HTML
};

QString escaped(const std::string& text) {
  return QString::fromStdString(text).toHtmlEscaped();
}

Table tableOf(const session::TraceStore& store, const QString& dimmed) {
  Table table;
  const auto lanes = static_cast<std::size_t>(store.laneCount());
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    for (const analysis::CardRow& row : store.lane(static_cast<int>(lane)).info().card.rows()) {
      const QString label = escaped(row.label);
      auto at = static_cast<std::size_t>(std::ranges::find(table.labels, label) - table.labels.begin());
      if (at == table.labels.size()) {
        table.labels.push_back(label);
        table.warns.push_back(row.warns);
        table.cells.emplace_back(lanes);
      }
      QString& cell = table.cells[at][lane];
      if (!cell.isEmpty()) cell += "<br>";
      cell += QString("%1 <span style='color:%2'>(%3)</span>")
                  .arg(escaped(row.value), dimmed, escaped(row.origin));
    }
  }
  return table;
}

}  // namespace

ModelCards::ModelCards(QWidget* parent) : QTextBrowser(parent) {
  setObjectName("modelCards");
  setFrameShape(QFrame::NoFrame);
  setOpenLinks(false);
  setMinimumHeight(110);
}

void ModelCards::setAppearance(const session::Appearance& appearance) {
  m_appearance = appearance;
  QFont type = font();
  type.setPixelSize(static_cast<int>(appearance.textSize()));
  setFont(type);
  m_shown.clear();
}

QString ModelCards::page(const session::TraceStore& store) const {
  if (store.laneCount() == 0) return "<p>Open a model to see what its file is.</p>";
  const session::Palette& colors = m_appearance.palette();
  const QString dimmed = toQt(colors.textDim).name();
  const Table table = tableOf(store, dimmed);
  QString html = "<table cellspacing='0' cellpadding='4' width='100%'><tr><td></td>";
  const int width = 88 / store.laneCount();
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const session::LaneInfo& info = store.lane(lane).info();
    html += QString("<td width='%1%'><b style='color:%2'>%3</b></td>")
                .arg(width)
                .arg(toQt(colors.lane(info.request.colorIndex)).name(), escaped(info.title));
  }
  html += "</tr>";
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const bool warns = table.warns[row];
    html += QString("<tr><td style='color:%1'>%2</td>")
                .arg(warns ? toQt(colors.text).name() : dimmed,
                     warns ? "<b>" + table.labels[row] + "</b>" : table.labels[row]);
    for (const QString& cell : table.cells[row]) html += "<td>" + cell + "</td>";
    html += "</tr>";
  }
  return html + "</table>";
}

void ModelCards::refresh(const session::TraceStore& store) {
  const QString html = page(store);
  if (html == m_shown) return;  // keeps the reader's place and selection
  m_shown = html;
  const int place = verticalScrollBar()->value();
  setHtml(html);
  verticalScrollBar()->setValue(place);
}

}  // namespace headroom::pages
