#include "app/panels/live_layout.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <utility>

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
constexpr float kPaddingAcross = 12.0f;
constexpr float kPaddingDown = 9.0f;
constexpr float kTimeline = 40.0f;
/// Where lanes scroll.
constexpr float kLowTimeline = 24.0f;
/// Across, in units of the type's size.
constexpr float kCountersFrom = 9.0f;
/// Of the view, by a key.
constexpr float kScrolledShare = 0.8f;

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

/// Where the texts begin, below the headlines.
float textTop(const PanelContext& context, const Rect& lanes, const LaneHeights& heights) {
  return lanes.min.y + context.px(kPaddingDown) + heights.fixed();
}

/// Where walls begin, below the texts.
float bandTop(const PanelContext& context, const Rect& lanes, const LaneHeights& heights) {
  return textTop(context, lanes, heights) + heights.text + heights.gap;
}

/// What the inspector leaves of the room for walls.
Rect wallsBeside(const PanelContext& context, const Rect& area) {
  return {area.min, {area.max.x - kInspectorShare * area.width() - context.px(kMargin), area.max.y}};
}

}  // namespace

LiveLayout::Lane::Lane(int index)
    : header(std::make_unique<LaneHeaderPanel>(index)),
      headline(std::make_unique<HeadlinePanel>(index)),
      text(std::make_unique<TokenTextPanel>(index)),
      wall(std::make_unique<HeadWallPanel>(index)),
      cache(std::make_unique<CachePanel>(index)),
      counters(std::make_unique<CountersPanel>(index)) {}

LiveLayout::Frame LiveLayout::frame(const PanelContext& context, const Rect& area) const {
  const float margin = context.px(kMargin);
  const int count = context.store.laneCount();
  const bool inspects = context.selection.head().has_value() && count > 0;
  const bool isFilled = inspects && context.selection.look().fillsView;
  Frame frame{.inspects = inspects && !isFilled, .isFilled = isFilled};
  const auto divide = [&](float timelineHeight) {
    // A class looks at what happens now.
    const bool presentation = context.appearance.presentation();
    const float legendHeight = presentation ? 0.0f : LegendPanel::height(context);
    const float bottom = area.max.y - legendHeight - (presentation ? margin : 0.5f * margin);
    frame.timeline = {{area.min.x + margin, bottom - (presentation ? 0.0f : timelineHeight)},
                      {area.max.x - margin, bottom}};
    frame.legend = {{frame.timeline.min.x, bottom + 0.25f * margin},
                    {frame.timeline.max.x, bottom + 0.25f * margin + legendHeight}};
    frame.lanes = {{area.min.x + margin, area.min.y + margin},
                   {area.max.x - margin, frame.timeline.min.y - margin}};
    const float lane = (frame.lanes.width() + margin) / static_cast<float>(std::max(count, 1)) - margin;
    frame.heights = laneHeights(context, lane - 2.0f * context.px(kPaddingAcross),
                                frame.lanes.height() - 2.0f * context.px(kPaddingDown));
    if (frame.inspects)
      frame.heights =
          besideInspector(context, frame.heights, kInspectorShare * frame.lanes.width(),
                          m_textSizes ? *m_textSizes * context.fonts.body->FontSize : frame.heights.text);
  };
  divide(context.px(kTimeline));
  if (frame.heights.scrolls()) divide(context.px(kLowTimeline));
  return frame;
}

std::vector<Rect> LiveLayout::columns(const PanelContext& context, const Rect& area, int count) {
  const float margin = context.px(kMargin);
  const float width = (area.width() + margin) / static_cast<float>(std::max(count, 1)) - margin;
  std::vector<Rect> columns;
  for (int index = 0; index < count; ++index) {
    const float left = std::round(area.min.x + static_cast<float>(index) * (width + margin));
    columns.push_back({{left, area.min.y}, {std::round(left + width), area.max.y}});
  }
  return columns;
}

void LiveLayout::draw(const PanelContext& context, const Rect& area) {
  const int count = context.store.laneCount();
  while (static_cast<int>(m_lanes.size()) < count) m_lanes.emplace_back(static_cast<int>(m_lanes.size()));
  const Frame frame = this->frame(context, area);
  // The charts fold beside the inspector, and what they leave is for its maps.
  if (!frame.inspects && !frame.isFilled) m_textSizes = frame.heights.text / context.fonts.body->FontSize;
  drawGround(context, area, frame);
  m_parts.clear();
  if (count == 0) {
    drawWithoutLanes(context, frame.lanes);
  } else if (frame.isFilled) {
    m_inspector.draw(context, frame.lanes);
  } else {
    drawLanes(context, frame);
  }
  m_scrollBy = 0;
  placeMessages(context, frame);
  if (context.appearance.presentation()) {
    drawOutOfSight(context, {{frame.lanes.min.x, area.max.y - LegendPanel::height(context)}, area.max});
    return;
  }
  m_timeline.draw(context, frame.timeline);
  Rect legend = frame.legend;
  legend.min.x += drawOutOfSight(context, legend);
  m_legend.draw(context, legend);
}

void LiveLayout::drawGround(const PanelContext& context, const Rect& area, const Frame& frame) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Color color = context.palette().window;
  const float margin = context.px(kMargin);
  const auto row = [&](const Rect& ground, std::span<const Rect> panels) {
    drawGaps(list, ground, panels, color);
    for (const Rect& panel : panels) roundCorners(list, panel, context.px(kRounding), color);
  };
  float top = area.min.y;
  Rect cards = frame.lanes;
  if (frame.inspects) {
    cards.max.y = bandTop(context, frame.lanes, frame.heights) - margin;
    row({{area.min.x, top}, {area.max.x, cards.max.y + 0.5f * margin}},
        columns(context, cards, context.store.laneCount()));
    top = cards.max.y + 0.5f * margin;
    cards = {{frame.lanes.min.x, cards.max.y + margin}, frame.lanes.max};
  }
  const float below = frame.timeline.min.y - 0.5f * margin;
  const bool isWhole = frame.inspects && frame.heights.scrolls();
  std::vector<Rect> panels;
  if (isWhole || frame.isFilled) {
    panels = {cards};
  } else if (frame.inspects) {
    panels = columns(context, wallsBeside(context, cards), context.store.laneCount());
    panels.push_back({{panels.back().max.x + margin, cards.min.y}, cards.max});
  } else {
    panels = columns(context, cards, context.store.laneCount());
  }
  row({{area.min.x, top}, {area.max.x, below}}, panels);
  const bool hasTimeline = frame.timeline.height() > 0.0f;
  row({{area.min.x, below}, area.max}, std::span(&frame.timeline, hasTimeline ? 1 : 0));
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

void LiveLayout::drawLanes(const PanelContext& context, const Frame& frame) {
  const std::vector<Rect> cards = columns(context, frame.lanes, context.store.laneCount());
  for (int index = 0; index < static_cast<int>(cards.size()); ++index) {
    ImGui::PushID(index);
    drawHead(context, index, cards[static_cast<std::size_t>(index)], frame);
    ImGui::PopID();
  }
  const Rect below{{frame.lanes.min.x, bandTop(context, frame.lanes, frame.heights)}, frame.lanes.max};
  if (frame.heights.scrolls()) {
    drawScrolling(context, frame);
  } else if (frame.inspects) {
    drawBands(context, below, frame);
  } else {
    for (int index = 0; index < static_cast<int>(cards.size()); ++index) {
      const Rect& card = cards[static_cast<std::size_t>(index)];
      ImGui::PushID(index);
      drawBand(context, index,
               {{card.min.x + context.px(kPaddingAcross), below.min.y},
                {card.max.x - context.px(kPaddingAcross), card.max.y - context.px(kPaddingDown)}},
               frame);
      ImGui::PopID();
    }
  }
}

void LiveLayout::drawHead(const PanelContext& context, int index, const Rect& card, const Frame& frame) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  list.AddRectFilled(card.min, {card.max.x, card.min.y + context.px(3)}, toImGui(laneColor(context, index)),
                     context.px(kRounding), ImDrawFlags_RoundCornersTop);
  const float left = card.min.x + context.px(kPaddingAcross);
  const float right = card.max.x - context.px(kPaddingAcross);
  Lane& lane = m_lanes[static_cast<std::size_t>(index)];
  float y = card.min.y + context.px(kPaddingDown);
  lane.header->draw(context, {{left, y}, {right, y + frame.heights.header}});
  y += frame.heights.header;
  lane.headline->stack(frame.heights.stacksHeadline);
  lane.headline->draw(context, {{left, y}, {right, y + frame.heights.headline - context.px(2)}});
  y += frame.heights.headline;
  const bool textScrolls = frame.heights.scrolls() && !frame.inspects;
  if (!textScrolls) lane.text->draw(context, {{left, y}, {right, y + frame.heights.text - context.px(2)}});
}

void LiveLayout::drawBand(const PanelContext& context, int index, const Rect& area, const Frame& frame) {
  Lane& lane = m_lanes[static_cast<std::size_t>(index)];
  const float gap = frame.heights.gap;
  const float top = area.max.y - frame.heights.bottom + context.px(4);
  lane.wall->draw(context, {area.min, {area.max.x, top - context.px(4) - gap}});
  // Where counters have no room, the cache comes first: it is what lanes differ in.
  const bool isNarrow = area.width() < kCountersFrom * context.fonts.body->FontSize;
  if (context.appearance.presentation() || isNarrow) {
    lane.cache->draw(context, {{area.min.x, top}, area.max});
    return;
  }
  const float split = area.min.x + 0.36f * area.width();
  lane.cache->draw(context, {{area.min.x, top}, {split - 2.0f * gap, area.max.y}});
  lane.counters->draw(context, {{split, top}, area.max});
}

void LiveLayout::drawBands(const PanelContext& context, const Rect& area, const Frame& frame) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const std::vector<Rect> cards = columns(context, wallsBeside(context, area), context.store.laneCount());
  const float title = context.fonts.small->FontSize + context.px(2);
  for (int index = 0; index < static_cast<int>(cards.size()); ++index) {
    const Rect& card = cards[static_cast<std::size_t>(index)];
    ImGui::PushID(index);
    const Rect inner{{card.min.x + context.px(kPaddingAcross), card.min.y + context.px(6)},
                     {card.max.x - context.px(kPaddingAcross), card.max.y - context.px(kPaddingDown)}};
    // It no longer stands below its text.
    list.AddRectFilled(card.min, {card.max.x, card.min.y + context.px(2)}, toImGui(laneColor(context, index)),
                       context.px(kRounding), ImDrawFlags_RoundCornersTop);
    const std::string& name = context.store.lane(index).info().title;
    drawLabel(context, list, context.fonts.small, inner.min, laneColor(context, index),
              elidedLabel(context, context.fonts.small, name, inner.width()));
    drawBand(context, index, {{inner.min.x, inner.min.y + title}, inner.max}, frame);
    ImGui::PopID();
  }
  m_inspector.draw(context, {{cards.back().max.x + context.px(kMargin), area.min.y}, area.max});
}

void LiveLayout::drawScrolling(const PanelContext& context, const Frame& frame) {
  const LaneHeights& heights = frame.heights;
  const Rect view{{frame.lanes.min.x, frame.inspects ? bandTop(context, frame.lanes, frame.heights)
                                                     : textTop(context, frame.lanes, frame.heights)},
                  {frame.lanes.max.x, frame.lanes.max.y - context.px(3)}};
  ImGui::SetCursorScreenPos(view.min);
  // The wheel zooms the map that it is on.
  const ImGuiWindowFlags flags =
      frame.inspects && m_inspector.isPointedAt() ? ImGuiWindowFlags_NoScrollWithMouse : 0;
  ImGui::BeginChild("scrolling", {view.width(), view.height()}, false, flags);
  const ImVec2 origin = ImGui::GetCursorScreenPos();
  const float right = view.max.x - ImGui::GetStyle().ScrollbarSize;
  const float content = frame.inspects ? heights.band() : heights.content() + context.px(kPaddingDown);
  ImGui::Dummy({1.0f, content});
  m_scrolled = ImGui::GetScrollY();
  m_view = view.height();
  if (m_scrollTo) ImGui::SetScrollY(*std::exchange(m_scrollTo, std::nullopt));
  if (const int views = std::exchange(m_scrollBy, 0); views != 0)
    ImGui::SetScrollY(m_scrolled + kScrolledShare * m_view * static_cast<float>(views));
  if (frame.inspects) {
    drawBands(context, {{view.min.x, origin.y}, {right, origin.y + content}}, frame);
  } else {
    const std::vector<Rect> cards = columns(context, frame.lanes, context.store.laneCount());
    for (int index = 0; index < static_cast<int>(cards.size()); ++index) {
      const Rect& card = cards[static_cast<std::size_t>(index)];
      const float from = card.min.x + context.px(kPaddingAcross);
      const float to = std::min(card.max.x - context.px(kPaddingAcross), right - context.px(4));
      ImGui::PushID(index);
      m_lanes[static_cast<std::size_t>(index)].text->draw(
          context, {{from, origin.y}, {to, origin.y + heights.text - context.px(2)}});
      drawBand(context, index,
               {{from, origin.y + heights.text + heights.gap}, {to, origin.y + heights.content()}}, frame);
      ImGui::PopID();
    }
  }
  ImGui::EndChild();
  m_parts = parts(frame);
}

std::vector<LiveLayout::Part> LiveLayout::parts(const Frame& frame) const {
  const LaneHeights& heights = frame.heights;
  const float top = frame.inspects ? 0.0f : heights.text + heights.gap;
  const float wall = top + heights.wall + heights.gap;
  if (frame.inspects) return {{"maps", 0.0f, wall}, {"inspector", 0.0f, heights.band()}};
  return {{"text", 0.0f, heights.text}, {"maps", top, wall}, {"cache and counters", wall, heights.content()}};
}

float LiveLayout::drawOutOfSight(const PanelContext& context, const Rect& area) {
  if (m_parts.empty()) return 0.0f;
  // A part counts as seen once most of it is.
  std::string below;
  std::string above;
  std::optional<float> next;
  for (const Part& part : m_parts) {
    const float slack = 0.4f * std::min(part.bottom - part.top, m_view);
    if (part.bottom > m_scrolled + m_view + slack) {
      below += (below.empty() ? "" : ", ") + std::string(part.name);
      if (!next) next = std::max(part.top, m_scrolled + 0.5f * m_view);
    } else if (part.top < m_scrolled - slack) {
      above += (above.empty() ? "" : ", ") + std::string(part.name);
    }
  }
  if (below.empty() && above.empty()) return 0.0f;
  const std::string label = below.empty() ? "\u25b4 Above: " + above : "\u25be Below: " + below;
  const ImFont* small = context.fonts.small;
  const float width = textWidth(small, label) + context.px(16);
  const Rect button{area.min, {area.min.x + width, area.max.y}};
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const AreaState state = mouseArea("out of sight", button);
  fillRect(list, button, state.hovered ? context.palette().hovered : context.palette().raised, context.px(4));
  strokeRect(list, button, context.palette().border, context.px(4), context.px(1));
  drawText(list, small,
           {button.min.x + context.px(8), button.min.y + 0.5f * (button.height() - small->FontSize)},
           context.palette().text, label);
  if (state.hovered) showTip(context, "", "Show it (Page Down, Page Up, or the wheel)");
  if (state.clicked) m_scrollTo = below.empty() ? 0.0f : next.value_or(0.0f);
  return width + context.px(12);
}

void LiveLayout::placeMessages(const PanelContext& context, const Frame& frame) {
  const LaneHeights& heights = frame.heights;
  m_messageArea = frame.lanes;
  if (context.store.laneCount() == 0 || frame.isFilled) return;
  if (frame.inspects) m_messageArea.max.x = wallsBeside(context, frame.lanes).max.x;
  const float padding = context.px(kPaddingDown);
  if (!heights.scrolls()) {
    m_messageArea.max.y -= padding + heights.bottom + heights.gap;
    return;
  }
  // Up to where cache and counters begin, if anything is in sight above them.
  const float top = frame.inspects ? bandTop(context, frame.lanes, frame.heights)
                                   : textTop(context, frame.lanes, frame.heights);
  const float counters =
      top - m_scrolled + (frame.inspects ? heights.wall : heights.content() - heights.bottom);
  if (counters > top + 0.3f * m_view) m_messageArea.max.y = std::min(m_messageArea.max.y, counters);
}

}  // namespace headroom::panels
