#pragma once

#include <string_view>

#include "app/panels/panel.h"

namespace headroom::panels {

/// What the marks of text and maps mean, in one line that stays: as many of them as have room, and the scale
/// of the maps' colours.
class LegendPanel : public Panel {
 public:
  void draw(const PanelContext& context, const Rect& area) override;
  static float height(const PanelContext& context);

 private:
  enum class Mark { LookedAt, Step, OtherChoice, Divergence, LineBreak, Maps };

  void drawMark(const PanelContext& context, Mark mark, const Rect& box) const;
};

}  // namespace headroom::panels
