#include "app/pages/export_commands.h"

#include <QAction>
#include <QBuffer>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QPainter>
#include <array>
#include <new>

#include "app/figures/figure_file.h"
#include "app/pages/charts/growth_chart.h"
#include "app/pages/charts/roofline_chart.h"
#include "app/pages/charts/speed_chart.h"
#include "app/pages/charts/stage_chart.h"
#include "app/pages/charts/traffic_chart.h"
#include "app/pages/exported_figures.h"
#include "app/pages/live/weights_view.h"
#include "core/model/error.h"

namespace headroom::pages {

namespace {

constexpr const char* kPictureFilters = "PNG picture (*.png);;SVG drawing (*.svg);;PDF document (*.pdf)";
constexpr const char* kTableFilters = "Comma-separated values (*.csv)";

struct ChartEntry {
  const char* title;
  const char* name;  ///< of the file and the action
  figures::Figure (*make)(const ChartSource& source);
  /// The widget that shows it; null where none does.
  QWidget* (*find)(const QWidget& window);
};

template <figures::LaneChart kChart>
figures::Figure makeChart(const ChartSource& source) {
  return chartFigure(source, kChart);
}
template <analysis::SpeedOver kOver>
figures::Figure makeSpeed(const ChartSource& source) {
  return speedFigure(source, kOver);
}

template <typename Widget>
QWidget* findIn(const QWidget& window) {
  return window.findChild<Widget*>();
}
template <analysis::SpeedOver kOver>
QWidget* findSpeed(const QWidget& window) {
  for (SpeedChart* chart : window.findChildren<SpeedChart*>()) {
    if (chart->over() == kOver) return chart;
  }
  return nullptr;
}

using analysis::SpeedOver;
using figures::LaneChart;
constexpr std::array<ChartEntry, 7> kEntries{{
    {"KV &cache", "growth", &makeChart<LaneChart::Growth>, &findIn<GrowthChart>},
    {"&Bytes per step", "traffic", &makeChart<LaneChart::Traffic>, &findIn<TrafficChart>},
    {"Time per &stage", "stages", &makeChart<LaneChart::Stages>, &findIn<StageChart>},
    {"Speed against conte&xt", "speed-context", &makeSpeed<SpeedOver::Context>,
     &findSpeed<SpeedOver::Context>},
    {"Speed against b&atch", "speed-batch", &makeSpeed<SpeedOver::Batch>, &findSpeed<SpeedOver::Batch>},
    {"&Roofline", "roofline", &makeChart<LaneChart::Roofline>, &findIn<RooflineChart>},
    {"&Weights", "geometry", &makeChart<LaneChart::Geometry>, &findIn<WeightsView>},
}};

QAction* addAction(QObject* parent, const QString& text, const QString& name, std::function<void()> act) {
  auto* action = new QAction(text, parent);
  action->setObjectName(name);
  QObject::connect(action, &QAction::triggered, parent, [act = std::move(act)] { act(); });
  return action;
}

/// The ending that a filter names: "png" of "PNG picture (*.png)".
QString endingOf(const QString& filter) {
  return filter.section("(*.", 1).section(')', 0, 0);
}

}  // namespace

ExportCommands::ExportCommands(const ChartSource& source, QWidget* window)
    : QObject(window), m_source(source), m_window(window) {
  for (const ChartEntry& entry : kEntries) {
    QWidget* widget = entry.find(*window);
    if (!widget) continue;
    const auto make = [this, of = entry.make] { return of(m_source); };
    const QString name = entry.name;
    widget->setContextMenuPolicy(Qt::ActionsContextMenu);
    widget->addAction(addAction(widget, "Export picture\u2026", "context picture " + name,
                                [this, name, make] { savePicture(name, make); }));
    widget->addAction(addAction(widget, "Export table\u2026", "context table " + name,
                                [this, name, make] { saveTable(name, make); }));
  }
}

void ExportCommands::addTo(QMenu* file) {
  QMenu* menu = file->addMenu("&Export");
  menu->addAction(addAction(menu, "The &view\u2026", "export view", [this] { saveView(); }));
  QMenu* map = menu->addMenu("&Map of the head in the inspector");
  addMapActions(map, std::nullopt);
  connect(menu, &QMenu::aboutToShow, map,
          [this, map] { map->setEnabled(m_source.selection.head().has_value()); });
  for (const ChartEntry& entry : kEntries) {
    const auto make = [this, of = entry.make] { return of(m_source); };
    const QString name = entry.name;
    QMenu* figure = menu->addMenu(entry.title);
    figure->addAction(addAction(figure, "&Picture\u2026", "export picture " + name,
                                [this, name, make] { savePicture(name, make); }));
    figure->addAction(addAction(figure, "&Table\u2026", "export table " + name,
                                [this, name, make] { saveTable(name, make); }));
  }
}

void ExportCommands::addMapActions(QMenu* menu, const std::optional<session::HeadAddress>& head) {
  const auto address = [this, head] {
    const session::TraceStore& store = m_source.store;
    const auto shown = head ? head : m_source.selection.head();
    // Lanes may have changed while a menu was open.
    const bool isThere = shown && shown->lane < store.laneCount() &&
                         shown->layer < store.lane(shown->lane).layerCount() &&
                         shown->queryHead < store.lane(shown->lane).queryHeadCount();
    if (!isThere) throw model::Error("There is no such head now, expected one in the inspector: click a map");
    return *shown;
  };
  const auto make = [this, address] { return mapFigure(m_source, address()); };
  menu->addAction(addAction(menu, "Export &picture\u2026", "export picture map",
                            [this, make] { savePicture("map", make); }));
  menu->addAction(
      addAction(menu, "Export &table\u2026", "export table map", [this, make] { saveTable("map", make); }));
  menu->addAction(addAction(menu, "Export &rows\u2026", "export rows map", [this, address] {
    save({"Export the rows", "map", "NumPy array (*.npy)"}, [this, address](const std::string& path) {
      const session::HeadAddress shown = address();
      figures::saveRows(path, m_source.store.lane(shown.lane).length(), mapRows(m_source.store, shown));
    });
  }));
}

void ExportCommands::savePicture(const QString& name, const std::function<figures::Figure()>& make) {
  save({"Export a picture", name, kPictureFilters},
       [&](const std::string& path) { figures::saveFigure(make(), path); });
}

void ExportCommands::saveTable(const QString& name, const std::function<figures::Figure()>& make) {
  save({"Export a table", name, kTableFilters},
       [&](const std::string& path) { figures::saveFigure(make(), path); });
}

void ExportCommands::saveCsv(const QString& name, const std::string& csv) {
  save({"Export a table", name, kTableFilters}, [&](const std::string& path) {
    if (figures::fileKindOf(path) != figures::FileKind::Csv)
      throw model::Error(path + " does not end in .csv, expected it: the table is written as CSV");
    figures::saveBytes(path, csv);
  });
}

void ExportCommands::saveView() {
  // As it is now, not as it will be when the file has a name.
  QImage image = m_window->grab().toImage().convertToFormat(QImage::Format_RGB32);
  const auto* live = m_window->findChild<QWidget*>("live");
  if (m_livePicture && live && live->isVisible()) {
    QPainter painter(&image);
    painter.drawImage(QRect(live->mapTo(m_window, QPoint(0, 0)), live->size()), m_livePicture());
  }
  save({"Export the view", "view", "PNG picture (*.png)"}, [&](const std::string& path) {
    if (figures::fileKindOf(path) != figures::FileKind::Png) {
      throw model::Error(path + " does not end in .png, expected it: the view is written as PNG");
    }
    QBuffer bytes;
    bytes.open(QIODevice::WriteOnly);
    image.save(&bytes, "PNG");
    figures::saveBytes(path, bytes.data().toStdString());
  });
}

void ExportCommands::save(const Offer& offer, const std::function<void(const std::string& path)>& write) {
  QFileDialog dialog(m_window, offer.title, m_folder, offer.filters);
  dialog.setAcceptMode(QFileDialog::AcceptSave);
  dialog.setDefaultSuffix(endingOf(dialog.selectedNameFilter()));
  connect(&dialog, &QFileDialog::filterSelected, &dialog,
          [&](const QString& filter) { dialog.setDefaultSuffix(endingOf(filter)); });
  dialog.selectFile("headroom-" + offer.name);
  if (dialog.exec() != QDialog::Accepted || dialog.selectedFiles().isEmpty()) return;
  const QString path = dialog.selectedFiles().front();
  m_folder = QFileInfo(path).absolutePath();
  try {
    write(path.toStdString());
    emit message({session::Severity::Passing, "Written: " + path.toStdString()});
  } catch (const model::Error& error) {
    emit message({session::Severity::Problem, error.what()});
  } catch (const std::bad_alloc&) {
    emit message({session::Severity::Problem, "The file was not written: it does not fit the memory"});
  }
}

}  // namespace headroom::pages
