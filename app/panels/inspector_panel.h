#pragma once

#include <optional>

#include "app/panels/attention_map_view.h"
#include "app/panels/head_summary.h"
#include "app/panels/panel.h"

namespace headroom::panels {

/// One head in full, with the same head of another lane beside it: zoom with the wheel, pan by dragging.
class InspectorPanel : public Panel {
 public:
  void draw(const PanelContext& context, const Rect& area) override;
  /// Pixels down in which its maps can be read, in a width.
  static float leastHeight(const PanelContext& context, float width);
  /// Whether the mouse is on a map, which the wheel then zooms.
  bool isPointedAt() const { return m_point.has_value(); }

 private:
  /// Of the maps with their titles and labels, what is said of the point under the mouse, and the summaries.
  struct Places {
    Rect map;
    std::optional<Rect> otherMap;
    Rect readout;
    Rect summary;
    Rect otherSummary;
  };
  Places arrange(const PanelContext& context, const Rect& area, bool hasOther) const;
  void drawHeader(const PanelContext& context, const Rect& area);
  void drawControls(const PanelContext& context, const Rect& area);
  void drawScaleLegend(const PanelContext& context, const Rect& area);
  void drawReadout(const PanelContext& context, const Rect& area);
  std::optional<session::HeadAddress> otherHead(const PanelContext& context) const;
  /// The whole text, or what the user zoomed to.
  MapViewport viewport(const PanelContext& context) const;
  void handleMouse(const PanelContext& context, const AttentionMapView& map, const session::HeadAddress& head,
                   const char* id);

  AttentionMapView m_map{0};
  AttentionMapView m_otherMap{1};
  HeadSummary m_summary;
  std::optional<MapViewport> m_zoomed;
  std::optional<MapPoint> m_point;  // under the mouse in the last frame
  std::uint64_t m_run = 0;
};

}  // namespace headroom::panels
