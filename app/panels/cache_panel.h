#pragma once

#include <string>

#include "app/panels/panel.h"

namespace headroom::panels {

/// The KV cache as an area, to one scale in all lanes: one strip per layer and KV head, as long as the text.
class CachePanel : public Panel {
 public:
  explicit CachePanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;

 private:
  /// "1/8 of MHA", empty in the lane with the most cache per token.
  std::string shareOfLargest(const PanelContext& context) const;
  /// What is used, per token and at the limit.
  void drawAmounts(const PanelContext& context, const Rect& area, double used) const;
  void drawArea(const PanelContext& context, const Rect& area, int positions);
  /// The strips of the pointed KV head, in front of all others.
  void light(const PanelContext& context, const Rect& drawn, float filled);
  /// The KV head of the strip under the mouse.
  void pointAtStrip(const PanelContext& context, const Rect& drawn);

  int m_lane;
};

}  // namespace headroom::panels
