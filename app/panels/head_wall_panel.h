#pragma once

#include <vector>

#include "app/panels/panel.h"

namespace headroom::panels {

/// All attention maps of a lane: rows are layers, columns are query heads, grouped under the KV head they
/// read.
class HeadWallPanel : public Panel {
 public:
  explicit HeadWallPanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;

  /// Pixels down in which the maps of so many layers can be read.
  static float leastHeight(const PanelContext& context, int layers);
  /// Positions shown by a map of `length` tokens: steps of about 1.5, so that maps fill before they rescale.
  static int extentFor(int length, int contextLength);

 private:
  struct Grid {
    ImVec2 origin;
    float cellWidth = 0.0f;
    float cellHeight = 0.0f;
    float gap = 0.0f;
    Rect cell(int layer, int head) const {
      const ImVec2 min{origin.x + static_cast<float>(head) * (cellWidth + gap),
                       origin.y + static_cast<float>(layer) * (cellHeight + gap)};
      return {min, {min.x + cellWidth, min.y + cellHeight}};
    }
  };

  /// Of the brackets and numbers above the maps.
  static float headHeight(const PanelContext& context);
  /// A line across each map where rows beyond the trained context begin.
  void markChanged(const PanelContext& context, const Grid& grid);
  void markUntrained(const PanelContext& context, const Grid& grid, int extent);
  void coverUnrecorded(const PanelContext& context, const Grid& grid, int extent);
  /// Of columns `pitch` pixels apart, so many that their numbers do not touch.
  static int numberEvery(const PanelContext& context, float pitch);
  void drawBrackets(const PanelContext& context, const Grid& grid, float top);
  /// Everything but what the pointed KV head and its readers show steps back.
  void light(const PanelContext& context, const Grid& grid);
  /// Above the maps: the KV head whose bracket the mouse is on.
  void pointAtBracket(const PanelContext& context, const Grid& grid, const Rect& area, float top);
  void upload(const PanelContext& context, int layer, int head);
  void handleMouse(const PanelContext& context, const Grid& grid, const Rect& area);

  int m_lane;
  std::vector<MapDrawing> m_drawings;
};

/// The canvas key of a head's overview.
MapKey overviewKey(int lane, int layer, int queryHead);

}  // namespace headroom::panels
