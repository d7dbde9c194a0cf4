#pragma once

#include "app/panels/panel.h"

namespace headroom::panels {

/// Who runs in a lane: name, heads, parameters.
class LaneHeaderPanel : public Panel {
 public:
  explicit LaneHeaderPanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;

 private:
  int m_lane;
};

}  // namespace headroom::panels
