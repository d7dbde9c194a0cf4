#pragma once

#include <string>
#include <string_view>

#include "app/panels/panel.h"

namespace headroom::panels {

/// Bytes per token by class, what they add up to, and how fast they moved.
class CountersPanel : public Panel {
 public:
  explicit CountersPanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;

 private:
  void drawBar(const PanelContext& context, const Rect& bar, const model::StepRecord& step);
  void drawLegend(const PanelContext& context, const Rect& area, const model::StepRecord& step);
  void drawFigures(const PanelContext& context, const Rect& area, int position);

  int m_lane;
};

}  // namespace headroom::panels
