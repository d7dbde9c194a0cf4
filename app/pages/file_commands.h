#pragma once

#include <QList>
#include <QObject>
#include <QUrl>

#include "app/session/workspace.h"

class QMenu;
class QWidget;

namespace headroom::pages {

/// What the File menu opens and saves: models, traces, experiments.
class FileCommands : public QObject {
  Q_OBJECT

 public:
  /// Dialogs lie above `window`, which owns this.
  FileCommands(session::Workspace& workspace, const session::TraceStore& store, session::Settings& settings,
               QWidget* window);

  void addOpening(QMenu* menu);
  void addSaving(QMenu* menu);
  void chooseModels();
  /// Files on this machine; says which are not.
  void openDropped(const QList<QUrl>& urls);

 private:
  void readText();
  void chooseFolder();
  void chooseExperiment();
  void saveExperiment();
  void showRecent();
  void showLanes();
  void saveTrace(int lane);

  session::Workspace& m_workspace;
  const session::TraceStore& m_store;
  session::Settings& m_settings;
  QWidget* m_window;
  QMenu* m_recent = nullptr;
  QMenu* m_lanes = nullptr;  ///< one entry a lane
};

}  // namespace headroom::pages
