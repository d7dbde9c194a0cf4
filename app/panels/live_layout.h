#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "app/panels/headline_panel.h"
#include "app/panels/inspector_panel.h"
#include "app/panels/lane_heights.h"
#include "app/panels/legend_panel.h"
#include "app/panels/panel.h"
#include "app/panels/timeline_panel.h"

namespace headroom::panels {

/// Puts the panels of the live view in their places: lanes side by side, the timeline below. While a head is
/// chosen the inspector stands at the right of the lanes' maps, below their texts, which stay as they are.
/// What has no room scrolls, and a button says where it is.
class LiveLayout : public Panel {
 public:
  void draw(const PanelContext& context, const Rect& area) override;
  /// Where messages hide no number: over the maps, as last drawn, up from their bottom.
  const Rect& messageArea() const { return m_messageArea; }
  /// Moves what scrolls by so many views down.
  void scroll(int views) { m_scrollBy += views; }

 private:
  /// The panels of one lane.
  struct Lane {
    explicit Lane(int index);
    std::unique_ptr<Panel> header;
    std::unique_ptr<HeadlinePanel> headline;
    std::unique_ptr<Panel> text;
    std::unique_ptr<Panel> wall;
    std::unique_ptr<Panel> cache;
    std::unique_ptr<Panel> counters;
  };
  /// Where things are, top to bottom.
  struct Frame {
    Rect lanes;
    Rect timeline;
    Rect legend;
    LaneHeights heights;
    bool inspects = false;
    bool isFilled = false;  ///< by the inspector, in place of the lanes
  };
  /// A part of what scrolls, in pixels from its top.
  struct Part {
    const char* name;
    float top;
    float bottom;
  };

  Frame frame(const PanelContext& context, const Rect& area) const;
  static std::vector<Rect> columns(const PanelContext& context, const Rect& area, int count);
  /// What is there instead of lanes.
  static void drawWithoutLanes(const PanelContext& context, const Rect& area);
  void drawGround(const PanelContext& context, const Rect& area, const Frame& frame);
  void drawLanes(const PanelContext& context, const Frame& frame);
  void drawHead(const PanelContext& context, int index, const Rect& card, const Frame& frame);
  /// What is below text: `area` is as wide as the lane's card inside, or as its share beside the inspector.
  void drawBand(const PanelContext& context, int index, const Rect& area, const Frame& frame);
  void drawScrolling(const PanelContext& context, const Frame& frame);
  void drawBands(const PanelContext& context, const Rect& area, const Frame& frame);
  /// The button that says what lies out of sight; how wide it is.
  float drawOutOfSight(const PanelContext& context, const Rect& area);
  void placeMessages(const PanelContext& context, const Frame& frame);
  std::vector<Part> parts(const Frame& frame) const;

  std::vector<Lane> m_lanes;
  InspectorPanel m_inspector;
  TimelinePanel m_timeline;
  LegendPanel m_legend;
  Rect m_messageArea;
  std::optional<float> m_textSizes;  // of the type, how high texts were without the inspector
  std::vector<Part> m_parts;         // of what scrolls; none while nothing does
  float m_scrolled = 0.0f;           // pixels
  float m_view = 0.0f;               // pixels down that are in sight
  std::optional<float> m_scrollTo;   // in the next frame
  int m_scrollBy = 0;
};

}  // namespace headroom::panels
