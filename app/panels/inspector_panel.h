#pragma once

#include <optional>

#include "app/panels/attention_lines_view.h"
#include "app/panels/attention_map_view.h"
#include "app/panels/head_summary.h"
#include "app/panels/panel.h"

namespace headroom::panels {

/// One head in full, with another one beside it, less it, or alone: as maps, where the wheel zooms and
/// dragging pans, or as lines between tokens.
class InspectorPanel : public Panel {
 public:
  void draw(const PanelContext& context, const Rect& area) override;
  /// Pixels down in which its maps can be read, in a width.
  static float leastHeight(const PanelContext& context, float width);
  /// Whether the mouse is on a map, which the wheel then zooms.
  bool isPointedAt() const {
    return m_point.has_value() || m_lines.isPointedAt() || m_otherLines.isPointedAt();
  }

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
  void drawFill(const PanelContext& context, const Rect& button);
  void drawMaps(const PanelContext& context, const Places& places);
  void drawLines(const PanelContext& context, const Places& places);
  void drawReadout(const PanelContext& context, const Rect& area);
  /// The whole text, or what the user zoomed to.
  MapViewport viewport(const PanelContext& context) const;
  void handleMouse(const PanelContext& context, const AttentionMapView& map, const session::HeadAddress& head,
                   const char* id);

  AttentionMapView m_map{0};
  AttentionMapView m_otherMap{1};
  AttentionLinesView m_lines{"lines", RowPurpose::Map};
  AttentionLinesView m_otherLines{"other lines", RowPurpose::BesideMap};
  HeadSummary m_summary;
  std::optional<MapViewport> m_zoomed;
  std::optional<MapPoint> m_point;  // under the mouse in the last frame
  std::uint64_t m_run = 0;
};

}  // namespace headroom::panels
