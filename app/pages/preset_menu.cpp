#include "app/pages/preset_menu.h"

#include "app/pages/command.h"
#include "app/pages/main_window.h"
#include "app/pages/texts.h"

namespace headroom::pages {

PresetMenu::PresetMenu(session::Workspace& workspace, MainWindow& window) : QMenu("&Presets", &window) {
  setObjectName("presetMenu");
  setToolTipsVisible(true);
  int number = 0;
  for (const session::Preset preset : session::kPresets) {
    ++number;
    QAction* action =
        addCommand(this, toQt(session::presetName(preset)), QKeySequence(QString("Ctrl+Alt+%1").arg(number)),
                   [&workspace, &window, preset] {
                     const bool wantsControls =
                         preset == session::Preset::Class || preset == session::Preset::FirstStart;
                     if (wantsControls && window.appearance().presentation()) {
                       session::Appearance appearance = window.appearance();
                       appearance.typeSize = session::TypeSize::Standard;
                       window.setAppearance(appearance);
                     }
                     workspace.usePreset(preset);
                   });
    action->setToolTip(toQt(session::presetPurpose(preset)));
  }
}

}  // namespace headroom::pages
