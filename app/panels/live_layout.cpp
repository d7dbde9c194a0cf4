#include "app/panels/live_layout.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>

#include "app/panels/cache_panel.h"
#include "app/panels/counters_panel.h"
#include "app/panels/drawing.h"
#include "app/panels/head_wall_panel.h"
#include "app/panels/headline_panel.h"
#include "app/panels/label.h"
#include "app/panels/lane_header_panel.h"
#include "app/panels/token_text_panel.h"

namespace headroom::panels {

namespace {

constexpr float kMargin = 8.0f;
constexpr float kRounding = 6.0f;
constexpr float kInspectorShare = 0.42f;

/// Fills what lies between the panels of a row and around them: the ground already has the panels' colour.
void drawGaps(ImDrawList& list, const Rect& row, std::span<const Rect> panels, session::Color color) {
  float left = row.min.x;
  for (const Rect& panel : panels) {
    fillRect(list, {{left, row.min.y}, {panel.min.x, row.max.y}}, color);
    fillRect(list, {{panel.min.x, row.min.y}, {panel.max.x, panel.min.y}}, color);
    fillRect(list, {{panel.min.x, panel.max.y}, {panel.max.x, row.max.y}}, color);
    left = panel.max.x;
  }
  fillRect(list, {{left, row.min.y}, row.max}, color);
}

/// Rounds a panel's corners by painting over them.
void roundCorners(ImDrawList& list, const Rect& panel, float radius, session::Color color) {
  // Angles in twelfths of a circle, as ImGui's fast arcs count them.
  const auto corner = [&](ImVec2 point, ImVec2 centre, int from) {
    list.PathLineTo(point);
    list.PathArcToFast(centre, radius, from, from + 3);
    list.PathFillConvex(toImGui(color));
  };
  const ImVec2 inner{panel.min.x + radius, panel.min.y + radius};
  const ImVec2 outer{panel.max.x - radius, panel.max.y - radius};
  corner(panel.min, inner, 6);
  corner({panel.max.x, panel.min.y}, {outer.x, inner.y}, 9);
  corner(panel.max, outer, 0);
  corner({panel.min.x, panel.max.y}, {inner.x, outer.y}, 3);
}

}  // namespace

LiveLayout::Lane::Lane(int index)
    : header(std::make_unique<LaneHeaderPanel>(index)),
      headline(std::make_unique<HeadlinePanel>(index)),
      text(std::make_unique<TokenTextPanel>(index)),
      wall(std::make_unique<HeadWallPanel>(index)),
      cache(std::make_unique<CachePanel>(index)),
      counters(std::make_unique<CountersPanel>(index)) {}

void LiveLayout::draw(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const float margin = context.px(kMargin);
  // A class looks at what happens now.
  const float timelineHeight = context.appearance.presentation() ? 0.0f : context.px(40);
  const float legendHeight = context.appearance.presentation() ? 0.0f : LegendPanel::height(context);
  const float bottom = area.max.y - legendHeight - (legendHeight > 0.0f ? 0.5f * margin : margin);
  const Rect timeline{{area.min.x + margin, bottom - timelineHeight}, {area.max.x - margin, bottom}};
  Rect lanes{{area.min.x + margin, area.min.y + margin}, {area.max.x - margin, timeline.min.y - margin}};

  m_footHeight = area.max.y - lanes.max.y;

  const int count = context.store.laneCount();
  while (static_cast<int>(m_lanes.size()) < count) m_lanes.emplace_back(static_cast<int>(m_lanes.size()));

  std::vector<Rect> panels;
  std::optional<Rect> inspector;
  if (context.selection.head() && count > 0) {
    inspector = Rect{{lanes.max.x - kInspectorShare * lanes.width(), lanes.min.y}, lanes.max};
    lanes.max.x = inspector->min.x - margin;
  }
  const float width = (lanes.width() + margin) / static_cast<float>(std::max(count, 1)) - margin;
  for (int index = 0; index < count; ++index) {
    const float left = std::round(lanes.min.x + static_cast<float>(index) * (width + margin));
    panels.push_back({{left, lanes.min.y}, {std::round(left + width), lanes.max.y}});
  }
  if (inspector) panels.push_back(*inspector);
  const float upperBottom = timeline.min.y - 0.5f * margin;
  drawGaps(list, {area.min, {area.max.x, upperBottom}}, panels, context.palette().window);
  drawGaps(list, {{area.min.x, upperBottom}, area.max}, std::span(&timeline, 1), context.palette().window);
  for (const Rect& panel : panels) roundCorners(list, panel, context.px(kRounding), context.palette().window);
  if (timelineHeight > 0.0f) roundCorners(list, timeline, context.px(kRounding), context.palette().window);

  if (count == 0) drawWithoutLanes(context, lanes);
  for (int index = 0; index < count; ++index) {
    ImGui::PushID(index);
    drawLane(context, index, panels[static_cast<std::size_t>(index)]);
    ImGui::PopID();
  }
  if (inspector) m_inspector.draw(context, *inspector);
  if (timelineHeight > 0.0f) m_timeline.draw(context, timeline);
  if (legendHeight > 0.0f) {
    m_legend.draw(context, {{area.min.x + margin, bottom + 0.25f * margin},
                            {area.max.x - margin, bottom + 0.25f * margin + legendHeight}});
  }
}

void LiveLayout::drawWithoutLanes(const PanelContext& context, const Rect& area) {
  // While a model is on its way there is a lane, which has nothing to show yet.
  const std::string sentence =
      context.opening.empty()
          ? "No lane is open. Add a model with + in the tool bar, or drop a model file here."
          : "Opening " + std::string(context.opening) + "\u2026";
  const ImFont* body = context.fonts.body;
  const std::string shown = elidedLabel(context, body, sentence, area.width());
  drawLabel(context, *ImGui::GetWindowDrawList(), body,
            {0.5f * (area.min.x + area.max.x - labelWidth(context, body, shown)),
             area.min.y + 0.45f * area.height()},
            context.palette().textDim, shown);
}

void LiveLayout::drawLane(const PanelContext& context, int index, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  list.AddRectFilled(area.min, {area.max.x, area.min.y + context.px(3)}, toImGui(laneColor(context, index)),
                     context.px(kRounding), ImDrawFlags_RoundCornersTop);
  const float padding = context.px(12);
  const Rect inner{{area.min.x + padding, area.min.y + context.px(9)},
                   {area.max.x - padding, area.max.y - context.px(9)}};
  const float gap = context.px(8);
  const float header = context.fonts.strong->FontSize + context.px(4);
  const float small = context.fonts.small->FontSize;
  const bool presentation = context.appearance.presentation();
  float bottom =
      presentation
          ? std::clamp(0.16f * inner.height(), 2.0f * small + context.fonts.strong->FontSize + context.px(24),
                       context.px(150))
          : std::clamp(0.24f * inner.height(), 4.0f * small + context.fonts.strong->FontSize + context.px(32),
                       context.px(170));
  const float headline = HeadlinePanel::height(context);
  float middle = inner.height() - header - headline - bottom - 2.0f * gap;
  // Large type in a low window: what is under the headline gives way from below, text last.
  const float leastText = 1.3f * context.fonts.body->FontSize;
  const float leastWall = 3.2f * small;
  const bool hasBottom = middle >= leastText + leastWall;
  if (!hasBottom) {
    middle += bottom + gap;
    bottom = 0.0f;
  }
  // The text gets a third, the maps the rest; at least three lines of text, two for a class.
  const float lines = presentation ? 2.3f : 4.2f;
  float text = std::max((presentation ? 0.2f : 0.3f) * middle,
                        std::min(0.5f * middle, lines * context.fonts.body->FontSize));
  const bool hasWall = middle - gap >= leastText + leastWall;
  text = hasWall ? std::min(text, middle - gap - leastWall) : middle;

  Lane& lane = m_lanes[static_cast<std::size_t>(index)];
  float y = inner.min.y;
  lane.header->draw(context, {{inner.min.x, y}, {inner.max.x, y + header}});
  y += header;
  lane.headline->draw(context, {{inner.min.x, y}, {inner.max.x, y + headline}});
  y += headline + context.px(2);
  if (text >= leastText)
    lane.text->draw(context, {{inner.min.x, y}, {inner.max.x, y + text - context.px(2)}});
  y += text + gap;
  if (hasWall) lane.wall->draw(context, {{inner.min.x, y}, {inner.max.x, y + middle - text - gap}});
  if (!hasBottom) return;

  const float top = inner.max.y - bottom + context.px(4);
  if (presentation) {
    lane.cache->draw(context, {{inner.min.x, top}, inner.max});
    return;
  }
  const float split = inner.min.x + 0.36f * inner.width();
  lane.cache->draw(context, {{inner.min.x, top}, {split - 2.0f * gap, inner.max.y}});
  lane.counters->draw(context, {{split, top}, inner.max});
}

}  // namespace headroom::panels
