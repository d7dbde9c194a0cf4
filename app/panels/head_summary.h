#pragma once

#include "app/panels/panel.h"
#include "app/panels/row_requests.h"

namespace headroom::panels {

/// The row of a head at the step looked at: its profile over positions, entropy, sink, distance, top tokens.
/// A part of the inspector.
class HeadSummary {
 public:
  /// Below smallestHeight() the figures alone are left, in as many lines as a width needs for whole ones.
  static float smallestHeight(const PanelContext& context);
  static float figuresHeight(const PanelContext& context, float width);
  /// `purpose` is that of its row, where it must be asked for.
  void draw(const PanelContext& context, const session::HeadAddress& head, RowPurpose purpose,
            const Rect& area);

 private:
  void drawFigures(const PanelContext& context, std::span<const float> row, const Rect& area);
  void drawProfile(const PanelContext& context, std::span<const float> row, session::Color color,
                   const Rect& area);
};

}  // namespace headroom::panels
