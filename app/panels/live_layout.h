#pragma once

#include <memory>
#include <vector>

#include "app/panels/inspector_panel.h"
#include "app/panels/legend_panel.h"
#include "app/panels/panel.h"
#include "app/panels/timeline_panel.h"

namespace headroom::panels {

/// Puts the panels of the live view in their places: lanes side by side, the inspector at their right while a
/// head is chosen, the timeline below.
class LiveLayout : public Panel {
 public:
  void draw(const PanelContext& context, const Rect& area) override;
  /// Pixels from the lanes' bottom down to that of the view, as last drawn: timeline and legend.
  float footHeight() const { return m_footHeight; }

 private:
  /// The panels of one lane.
  struct Lane {
    explicit Lane(int index);
    std::unique_ptr<Panel> header;
    std::unique_ptr<Panel> headline;
    std::unique_ptr<Panel> text;
    std::unique_ptr<Panel> wall;
    std::unique_ptr<Panel> cache;
    std::unique_ptr<Panel> counters;
  };

  /// What is there instead of lanes.
  static void drawWithoutLanes(const PanelContext& context, const Rect& area);
  void drawLane(const PanelContext& context, int index, const Rect& area);

  std::vector<Lane> m_lanes;
  InspectorPanel m_inspector;
  TimelinePanel m_timeline;
  LegendPanel m_legend;
  float m_footHeight = 0.0f;
};

}  // namespace headroom::panels
