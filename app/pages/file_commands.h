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
  FileCommands(session::Workspace& workspace, session::Settings& settings, QWidget* window);

  void addOpening(QMenu* menu);
  void addSaving(QMenu* menu);
  void chooseModels();
  /// Files on this machine; says which are not.
  void openDropped(const QList<QUrl>& urls);

 private:
  void chooseFolder();
  void chooseExperiment();
  void saveExperiment();
  void showRecent();

  session::Workspace& m_workspace;
  session::Settings& m_settings;
  QWidget* m_window;
  QMenu* m_recent = nullptr;
};

}  // namespace headroom::pages
