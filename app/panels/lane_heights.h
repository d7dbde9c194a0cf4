#pragma once

#include "app/panels/panel.h"

namespace headroom::panels {

/// Pixels down that the parts of a lane take. Header and headline always show; what lies below them scrolls
/// where it would become too low to be read.
struct LaneHeights {
  float header = 0.0f;
  float headline = 0.0f;
  float text = 0.0f;
  float wall = 0.0f;
  float bottom = 0.0f;  ///< cache and counters
  float gap = 0.0f;
  float room = 0.0f;  ///< for text, wall and bottom
  bool stacksHeadline = false;

  float fixed() const { return header + headline; }
  /// Wall and what is below it, beside which the inspector stands.
  float band() const { return wall + gap + bottom; }
  float content() const { return text + gap + band(); }
  bool scrolls() const { return content() > room + 0.5f; }
};

/// Of lanes whose panels are `width` wide and `height` high; the same for all of them, so that they compare
/// side by side.
LaneHeights laneHeights(const PanelContext& context, float width, float height);
/// The same where the inspector, `width` wide, stands beside wall and bottom: the text keeps the height that
/// it had, `text`, where it can, and a line where it cannot. Where they scroll, the text stays.
LaneHeights besideInspector(const PanelContext& context, LaneHeights heights, float width, float text);

}  // namespace headroom::panels
