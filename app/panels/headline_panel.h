#pragma once

#include <string>
#include <vector>

#include "app/panels/panel.h"

namespace headroom::panels {

/// What a class reads from the back row: the cache and how many times smaller it is than with a KV head for
/// every query head, tokens per second and how many times as fast. Never left out.
class HeadlinePanel : public Panel {
 public:
  explicit HeadlinePanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;
  /// Whether numbers and their notes have no room side by side in lanes of that width, whatever they are just
  /// now: then the notes stand below.
  static bool stacksAt(const PanelContext& context, float width);
  /// Pixels down that it takes.
  static float height(const PanelContext& context, bool stacked);
  void stack(bool stacked) { m_stacked = stacked; }

 private:
  /// A number to be read from afar, and two small lines beside it.
  struct Figure {
    std::string value;
    std::string unit;
    std::string longUnit = {};  ///< instead, where there is room
    std::string note;
    std::string shortNote;  ///< where that has no room
    std::string heading;
    std::string explanation;

    const std::string& unitWithin(const ImFont* font, float width) const;
  };
  Figure cacheFigure(const PanelContext& context) const;
  Figure speedFigure(const PanelContext& context) const;
  void drawFigure(const PanelContext& context, const Figure& figure, const Rect& area) const;
  void drawBeside(const PanelContext& context, const Figure& figure, const Rect& area) const;
  void drawStacked(const PanelContext& context, const Figure& figure, const Rect& area) const;

  int m_lane;
  bool m_stacked = false;
};

}  // namespace headroom::panels
