#pragma once

#include <QMenu>

#include "app/session/workspace.h"

namespace headroom::pages {

class MainWindow;

/// The presets, for the menu bar and the transport bar.
class PresetMenu : public QMenu {
  Q_OBJECT

 public:
  PresetMenu(session::Workspace& workspace, MainWindow& window);
};

}  // namespace headroom::pages
