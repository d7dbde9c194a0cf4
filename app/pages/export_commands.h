#pragma once

#include <QImage>
#include <QObject>
#include <QString>
#include <functional>
#include <optional>

#include "app/figures/figure.h"
#include "app/pages/charts/chart.h"
#include "app/session/lane.h"

class QAction;
class QMenu;

namespace headroom::pages {

/// Writes what the window shows to files: from the menu, and from the context menus of charts and maps.
class ExportCommands : public QObject {
  Q_OBJECT

 public:
  /// Gives the charts that lie in `window` their context menus. The window owns it.
  ExportCommands(const ChartSource& source, QWidget* window);

  /// File > Export.
  void addTo(QMenu* file);
  /// What draws the live view, which Qt cannot grab: its picture in device pixels, null while there is none.
  void setLivePicture(std::function<QImage()> picture) { m_livePicture = std::move(picture); }

  /// A head's, or that of the inspector when none is given.
  void addMapActions(QMenu* menu, const std::optional<session::HeadAddress>& head);
  /// Asks where to, and writes a figure, or its numbers.
  void savePicture(const QString& name, const std::function<figures::Figure()>& make);
  void saveTable(const QString& name, const std::function<figures::Figure()>& make);
  /// Asks where to, and writes a table that is text already.
  void saveCsv(const QString& name, const std::string& csv);

 signals:
  /// What was written, or why not.
  void message(const headroom::session::Message& message);

 private:
  /// What a file can be written as, and under which name it is offered.
  struct Offer {
    QString title;
    QString name;     ///< without an ending
    QString filters;  ///< as QFileDialog takes them
  };
  /// Asks where to, and writes; the sentence of an error goes to the window.
  void save(const Offer& offer, const std::function<void(const std::string& path)>& write);
  void saveView();

  ChartSource m_source;
  QWidget* m_window;
  std::function<QImage()> m_livePicture;
  QString m_folder;  ///< where the last file went
};

}  // namespace headroom::pages
