#pragma once

#include "app/panels/panel.h"

namespace headroom::panels {

/// One tick per token; drag to look back at any step.
class TimelinePanel : public Panel {
 public:
  void draw(const PanelContext& context, const Rect& area) override;

 private:
  /// What was decoded, on the track.
  void drawSteps(const PanelContext& context, const Rect& track, float pitch);
  void drawTicks(const PanelContext& context, const Rect& track, float pitch);
};

}  // namespace headroom::panels
