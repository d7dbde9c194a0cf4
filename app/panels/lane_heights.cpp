#include "app/panels/lane_heights.h"

#include <algorithm>

#include "app/panels/head_wall_panel.h"
#include "app/panels/headline_panel.h"
#include "app/panels/inspector_panel.h"

namespace headroom::panels {

namespace {
/// Lines of text, with what is between them, in units of the type's size.
constexpr float kOneLine = 1.45f;
constexpr float kTwoLines = 2.8f;
constexpr float kThreeLines = 4.2f;
/// A wall that is scrolled to shows so many layers at once.
constexpr int kMostLayers = 4;
/// Of a lane's height, what numbers with their notes below may take.
constexpr float kMostHeadline = 0.12f;

float leastBottom(const PanelContext& context) {
  const float small = context.fonts.small->FontSize;
  const float strong = context.fonts.strong->FontSize;
  return context.appearance.presentation() ? 2.0f * small + strong + context.px(24)
                                           : 4.0f * small + strong + context.px(32);
}
}  // namespace

LaneHeights laneHeights(const PanelContext& context, float width, float height) {
  const bool presentation = context.appearance.presentation();
  const float body = context.fonts.body->FontSize;
  // In large type in a low window the maps need the room more: there the notes are cut.
  const bool hasRoom = presentation || HeadlinePanel::height(context, true) <= kMostHeadline * height;
  const bool stacked = hasRoom && HeadlinePanel::stacksAt(context, width);
  LaneHeights heights{.header = context.fonts.strong->FontSize + context.px(4),
                      .headline = HeadlinePanel::height(context, stacked) + context.px(2),
                      .gap = context.px(8),
                      .stacksHeadline = stacked};
  heights.room = height - heights.fixed();
  heights.bottom = std::clamp((presentation ? 0.16f : 0.24f) * height, leastBottom(context),
                              context.px(presentation ? 150 : 170));
  const float middle = heights.room - heights.bottom - 2.0f * heights.gap;
  const float leastWall = HeadWallPanel::leastHeight(context, 1);
  if (middle < kTwoLines * body + leastWall) {
    int layers = 1;
    for (int lane = 0; lane < context.store.laneCount(); ++lane)
      layers = std::max(layers, std::min(kMostLayers, context.store.lane(lane).layerCount()));
    heights.text = kThreeLines * body;
    heights.wall = HeadWallPanel::leastHeight(context, layers);
    heights.bottom = leastBottom(context);
    return heights;
  }
  // The text gets a third, the maps the rest; at least three lines of text, two for a class.
  heights.text = std::max((presentation ? 0.2f : 0.3f) * middle,
                          std::min(0.5f * middle, (presentation ? kTwoLines : kThreeLines) * body));
  heights.text = std::min(heights.text, middle - leastWall);
  heights.wall = middle - heights.text;
  return heights;
}

LaneHeights besideInspector(const PanelContext& context, LaneHeights heights, float width, float text) {
  const float least = InspectorPanel::leastHeight(context, width);
  const float body = context.fonts.body->FontSize;
  const float leastText = heights.room >= 2.0f * kTwoLines * body ? kTwoLines * body : kOneLine * body;
  const float mostText = std::max(leastText, std::min(heights.text, text));
  heights.text = std::clamp(heights.room - heights.gap - least, leastText, mostText);
  const float band = std::max(heights.room - heights.gap - heights.text, least);
  heights.wall = band - heights.gap - heights.bottom;
  return heights;
}

}  // namespace headroom::panels
