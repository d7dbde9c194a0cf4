#include "app/panels/live_layout.h"

#include <algorithm>

#include "app/panels/cache_panel.h"
#include "app/panels/counters_panel.h"
#include "app/panels/drawing.h"
#include "app/panels/head_wall_panel.h"
#include "app/panels/lane_header_panel.h"
#include "app/panels/token_text_panel.h"

namespace headroom::panels {

namespace {

constexpr float kMargin = 8.0f;
constexpr float kInspectorShare = 0.42f;

}  // namespace

LiveLayout::Lane::Lane(int index)
    : header(std::make_unique<LaneHeaderPanel>(index)),
      text(std::make_unique<TokenTextPanel>(index)),
      wall(std::make_unique<HeadWallPanel>(index)),
      cache(std::make_unique<CachePanel>(index)),
      counters(std::make_unique<CountersPanel>(index)) {}

void LiveLayout::draw(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const float margin = context.px(kMargin);
  const float timelineHeight = context.px(context.appearance.presentation() ? 50 : 40);
  const Rect timeline{{area.min.x + margin, area.max.y - margin - timelineHeight},
                      {area.max.x - margin, area.max.y - margin}};
  Rect lanes{{area.min.x + margin, area.min.y + margin}, {area.max.x - margin, timeline.min.y - margin}};

  const int count = context.store.laneCount();
  if (count == 0) {
    drawTextCentered(list, context.fonts.body,
                     {0.5f * (lanes.min.x + lanes.max.x), lanes.min.y + 0.45f * lanes.height()},
                     context.palette().textDim,
                     "No lane is open. Add a model with + in the tool bar, or drop a model file here.");
  }
  while (static_cast<int>(m_lanes.size()) < count) m_lanes.emplace_back(static_cast<int>(m_lanes.size()));

  if (context.selection.head() && count > 0) {
    const Rect inspector{{lanes.max.x - kInspectorShare * lanes.width(), lanes.min.y}, lanes.max};
    m_inspector.draw(context, inspector);
    lanes.max.x = inspector.min.x - margin;
  }
  const float width = (lanes.width() + margin) / static_cast<float>(std::max(count, 1)) - margin;
  for (int index = 0; index < count; ++index) {
    const float left = lanes.min.x + static_cast<float>(index) * (width + margin);
    ImGui::PushID(index);
    drawLane(context, index, {{left, lanes.min.y}, {left + width, lanes.max.y}});
    ImGui::PopID();
  }
  m_timeline.draw(context, timeline);
}

void LiveLayout::drawLane(const PanelContext& context, int index, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  fillRect(list, area, context.palette().panel, context.px(6));
  list.AddRectFilled(area.min, {area.max.x, area.min.y + context.px(3)}, toImGui(laneColor(context, index)),
                     context.px(6), ImDrawFlags_RoundCornersTop);
  const float padding = context.px(12);
  const Rect inner{{area.min.x + padding, area.min.y + context.px(9)},
                   {area.max.x - padding, area.max.y - context.px(9)}};
  const float gap = context.px(8);
  const float header = context.fonts.strong->FontSize + context.px(4);
  const float small = context.fonts.small->FontSize;
  const float bottom =
      std::clamp(0.24f * inner.height(), 4.0f * small + context.fonts.strong->FontSize + context.px(32),
                 context.px(170));
  const float middle = inner.height() - header - bottom - 2.0f * gap;
  // The text gets a third, the maps the rest; at least three lines of text.
  const float text = std::max(0.30f * middle, std::min(0.5f * middle, 4.2f * context.fonts.body->FontSize));

  Lane& lane = m_lanes[static_cast<std::size_t>(index)];
  float y = inner.min.y;
  lane.header->draw(context, {{inner.min.x, y}, {inner.max.x, y + header}});
  y += header + context.px(2);
  lane.text->draw(context, {{inner.min.x, y}, {inner.max.x, y + text - context.px(2)}});
  y += text + gap;
  lane.wall->draw(context, {{inner.min.x, y}, {inner.max.x, y + middle - text - gap}});

  const float split = inner.min.x + 0.36f * inner.width();
  const float top = inner.max.y - bottom + context.px(4);
  lane.cache->draw(context, {{inner.min.x, top}, {split - 2.0f * gap, inner.max.y}});
  lane.counters->draw(context, {{split, top}, inner.max});
}

}  // namespace headroom::panels
