#include "app/panels/inspector_panel.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "app/panels/drawing.h"
#include "app/panels/head_wall_panel.h"
#include "app/panels/label.h"
#include "app/panels/row_requests.h"
#include "app/session/display_text.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {

constexpr double kZoomPerNotch = 1.2;
constexpr double kSmallestView = 6.0;
/// Below this width of a map two of them do not stand side by side.
constexpr float kSmallestMap = 130.0f;
constexpr float kPadding = 12.0f;
constexpr const char* kWholeText = "Whole text";
/// Across, in which a summary beside a map can be read.
constexpr float kSummaryWidth = 220.0f;
/// Above this height of a map no more is scrolled to.
constexpr float kLeastMap = 90.0f;

float headerHeight(const PanelContext& context) {
  return context.fonts.strong->FontSize + context.px(6);
}

float readoutHeight(const PanelContext& context) {
  return context.fonts.small->FontSize + context.px(8);
}

float titleHeight(const PanelContext& context) {
  return context.fonts.small->FontSize + context.px(4);
}

/// In lockstep both maps have the same rows, so one set of labels serves both.
bool hasSameRows(const PanelContext& context) {
  return context.store.feed() == session::TokenFeed::Lockstep;
}

float comboWidth(const PanelContext& context) {
  return context.px(context.appearance.presentation() ? 150 : 112);
}

/// Of the controls above the maps, from the top left of their rows.
struct ControlPlaces {
  ImVec2 scale;
  ImVec2 colors;
  ImVec2 wholeText;
};

/// One row, or more where the next control would be cut.
ControlPlaces controlPlaces(const PanelContext& context, float width) {
  const float spacing = ImGui::GetStyle().ItemSpacing.x;
  const float button = ImGui::CalcTextSize(kWholeText).x + 2.0f * ImGui::GetStyle().FramePadding.x;
  ControlPlaces places{};
  ImVec2 end{0.0f, 0.0f};
  const auto place = [&](ImVec2& control, float needed) {
    if (end.x > 0.0f && end.x + needed > width) end = {0.0f, end.y + ImGui::GetFrameHeight() + context.px(4)};
    control = end;
    end.x += needed + spacing;
  };
  place(places.scale, comboWidth(context));
  place(places.colors, comboWidth(context));
  place(places.wholeText, button);
  return places;
}

float controlsHeight(const PanelContext& context, float width) {
  return controlPlaces(context, width).wholeText.y + ImGui::GetFrameHeight() + context.px(8);
}

std::string headName(const session::HeadAddress& head) {
  return "Layer " + std::to_string(head.layer) + ", head " + std::to_string(head.queryHead);
}

}  // namespace

std::optional<session::HeadAddress> InspectorPanel::otherHead(const PanelContext& context) const {
  const session::HeadAddress head = *context.selection.head();
  for (int offset = 1; offset < context.store.laneCount(); ++offset) {
    const int lane = (head.lane + offset) % context.store.laneCount();
    const session::LaneTrace& trace = context.store.lane(lane);
    if (head.layer < trace.layerCount() && head.queryHead < trace.queryHeadCount()) {
      return session::HeadAddress{lane, head.layer, head.queryHead};
    }
  }
  return std::nullopt;
}

MapViewport InspectorPanel::viewport(const PanelContext& context) const {
  if (m_zoomed) return *m_zoomed;
  const int extent = HeadWallPanel::extentFor(context.store.length(), context.store.contextLength());
  return {.firstColumn = 0.0, .firstRow = 0.0, .size = static_cast<double>(std::max(extent, 1))};
}

float InspectorPanel::leastHeight(const PanelContext& context, float width) {
  const float inner = width - 2.0f * context.px(kPadding);
  const float aroundMap = headerHeight(context) + controlsHeight(context, inner) + titleHeight(context) +
                          AttentionMapView::labelHeight(context) + readoutHeight(context) +
                          HeadSummary::figuresHeight(context, 0.5f * inner);
  return 2.0f * context.px(kPadding) + aroundMap + context.px(kLeastMap);
}

void InspectorPanel::draw(const PanelContext& context, const Rect& area) {
  if (m_run != context.store.run()) {
    m_run = context.store.run();
    m_zoomed.reset();
  }
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const Rect inner = inset(area, context.px(kPadding));
  const session::HeadAddress head = *context.selection.head();
  const std::optional<session::HeadAddress> other = otherHead(context);

  const float header = headerHeight(context);
  drawHeader(context, {inner.min, {inner.max.x, inner.min.y + header}});
  float y = inner.min.y + header;
  const float controls = controlsHeight(context, inner.width());
  drawControls(context, {{inner.min.x, y}, {inner.max.x, y + controls}});
  y += controls;

  const Places places = arrange(context, {{inner.min.x, y}, inner.max}, other.has_value());
  const MapViewport view = viewport(context);
  m_point.reset();
  const auto column = [&](AttentionMapView& map, const session::HeadAddress& address, const Rect& place,
                          AttentionMapView::RowLabels rowLabels, const char* id) {
    map.draw(context, address, view, rowLabels,
             {{place.min.x, place.min.y + titleHeight(context)}, place.max});
    drawLabel(context, list, context.fonts.small, {map.plot().min.x, y}, laneColor(context, address.lane),
              context.store.lane(address.lane).info().title);
    handleMouse(context, map, address, id);
  };
  using RowLabels = AttentionMapView::RowLabels;
  column(m_map, head, places.map, RowLabels::Shown, "map");
  m_summary.draw(context, head, places.summary);
  if (places.otherMap) {
    column(m_otherMap, *other, *places.otherMap, hasSameRows(context) ? RowLabels::Hidden : RowLabels::Shown,
           "other map");
    m_summary.draw(context, *other, places.otherSummary);
  }
  drawReadout(context, places.readout);
}

InspectorPanel::Places InspectorPanel::arrange(const PanelContext& context, const Rect& area,
                                               bool hasOther) const {
  const float gap = context.px(kPadding);
  const float readout = readoutHeight(context);
  const float labels = AttentionMapView::labelWidth(context);
  const float aroundMap = titleHeight(context) + AttentionMapView::labelHeight(context);
  const float labelSets = hasSameRows(context) ? 1.0f : 2.0f;
  const float twoSides = 0.5f * (area.width() - gap - labelSets * labels);
  const bool two = hasOther && twoSides >= context.px(kSmallestMap);
  const float side = two ? twoSides : area.width() - labels;
  // The maps come first: where they would shrink much, of the summary the figures are left.
  const float half = 0.5f * (area.width() - gap);
  const float room = area.height() - readout;
  const float summary = room - HeadSummary::smallestHeight(context) >= aroundMap + 0.75f * side
                            ? HeadSummary::smallestHeight(context)
                            : HeadSummary::figuresHeight(context, two ? half : area.width());
  const float below = std::min(room - summary - aroundMap, side);
  // One map in a low place has room for all of the summary at its right.
  const float beside = std::min(room - aroundMap, side - gap - context.px(kSummaryWidth));
  const bool isBeside = !two && beside >= below;

  Places places;
  const float bottom = area.min.y + aroundMap + (isBeside ? beside : below);
  const float split = area.min.x + labels + (isBeside ? beside : side);
  places.map = {area.min, {split, bottom}};
  places.readout = {{area.min.x, bottom}, {area.max.x, bottom + readout}};
  places.summary = {{area.min.x, bottom + readout}, {two ? area.min.x + half : area.max.x, area.max.y}};
  if (isBeside) places.summary = {{split + gap, area.min.y + titleHeight(context)}, {area.max.x, bottom}};
  if (two) {
    places.otherMap = Rect{{split + gap, area.min.y}, {area.max.x, bottom}};
    places.otherSummary = {{area.min.x + half + gap, bottom + readout}, area.max};
  }
  return places;
}

void InspectorPanel::drawHeader(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::HeadAddress head = *context.selection.head();
  const session::LaneTrace& lane = context.store.lane(head.lane);
  const int kvHead = lane.info().config.attention.kvHeadOf(head.queryHead);
  float x =
      area.min.x + drawText(list, context.fonts.strong, area.min, context.palette().text, headName(head));
  const float close = context.px(20);
  const model::HeadChange* change = lane.info().changeOf({head.layer, head.queryHead});
  const std::string detail = (change ? model::deedOf(*change) + ", " : "") + ("of " + lane.info().title) +
                             ", reads KV head " + std::to_string(kvHead);
  drawLabel(context, list, context.fonts.body, {x + context.px(8), area.min.y}, context.palette().textDim,
            elidedLabel(context, context.fonts.body, detail, area.max.x - x - close - context.px(12)));

  const Rect button{{area.max.x - close, area.min.y - context.px(2)},
                    {area.max.x, area.min.y - context.px(2) + close}};
  const AreaState state = mouseArea("close", button);
  if (state.hovered) {
    fillRect(list, button, context.palette().hovered, context.px(4));
    showTip(context, "", "Close the inspector (Esc)");
  }
  const float arm = context.px(4);
  const ImVec2 centre{0.5f * (button.min.x + button.max.x), 0.5f * (button.min.y + button.max.y)};
  const ImU32 color = toImGui(context.palette().text);
  list.AddLine({centre.x - arm, centre.y - arm}, {centre.x + arm, centre.y + arm}, color, context.px(1.5f));
  list.AddLine({centre.x - arm, centre.y + arm}, {centre.x + arm, centre.y - arm}, color, context.px(1.5f));
  if (state.clicked) context.selection.setHead(std::nullopt);
}

void InspectorPanel::drawControls(const PanelContext& context, const Rect& area) {
  const ControlPlaces places = controlPlaces(context, area.width());
  const auto goTo = [&](ImVec2 place) {
    ImGui::SetCursorScreenPos({area.min.x + place.x, area.min.y + place.y});
  };
  const auto combo = [&](const char* id, std::string_view current, int count, auto nameOf, auto choose) {
    ImGui::SetNextItemWidth(std::min(comboWidth(context), area.width()));
    if (ImGui::BeginCombo(id, std::string(current).c_str())) {
      for (int index = 0; index < count; ++index) {
        const std::string name(nameOf(index));
        if (ImGui::Selectable(name.c_str(), name == current)) choose(index);
      }
      ImGui::EndCombo();
    }
  };
  goTo(places.scale);
  combo(
      "##scale", session::mapScaleName(context.selection.mapScale()), session::kMapScaleCount,
      [](int index) { return session::mapScaleName(static_cast<session::MapScale>(index)); },
      [&](int index) { context.selection.setMapScale(static_cast<session::MapScale>(index)); });
  if (ImGui::IsItemHovered()) {
    showTip(context, "Scale of all maps (S)", colorScaleText());
  }
  goTo(places.colors);
  combo(
      "##colors", session::colorMapName(context.selection.colorMap()), session::kColorMapCount,
      [](int index) { return session::colorMapName(static_cast<session::ColorMap>(index)); },
      [&](int index) { context.selection.setColorMap(static_cast<session::ColorMap>(index)); });
  if (ImGui::IsItemHovered()) showTip(context, "Colours of all maps (C)", "");
  goTo(places.wholeText);
  if (ImGui::Button(kWholeText)) m_zoomed.reset();
  if (ImGui::IsItemHovered()) {
    showTip(
        context, "",
        "Show the whole text again. Zoom with the wheel, pan by dragging, double-click for the whole text.");
  }
  ImGui::SameLine();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  drawScaleLegend(context, {{at.x + context.px(4), at.y}, {area.max.x, at.y + ImGui::GetFrameHeight()}});
}

void InspectorPanel::drawScaleLegend(const PanelContext& context, const Rect& area) {
  if (area.width() < context.px(120)) return;
  drawColorScale(context, {area.min, {std::min(area.max.x, area.min.x + context.px(220)), area.max.y}},
                 model::fixedText(m_map.maximum(), 2));
}

void InspectorPanel::handleMouse(const PanelContext& context, const AttentionMapView& map,
                                 const session::HeadAddress& head, const char* id) {
  const AreaState state = mouseArea(id, map.plot());
  if (!state.hovered && !state.dragged) return;
  const ImGuiIO& io = ImGui::GetIO();
  const ImVec2 mouse = io.MousePos;
  MapViewport view = viewport(context);
  const double scale = view.size / map.plot().width();
  const double largest = std::max(context.store.contextLength(), static_cast<int>(kSmallestView));
  bool moved = false;
  if (state.hovered && io.MouseWheel != 0.0f) {
    const double column = view.firstColumn + (mouse.x - map.plot().min.x) * scale;
    const double row = view.firstRow + (mouse.y - map.plot().min.y) * scale;
    const double size =
        std::clamp(view.size * std::pow(kZoomPerNotch, -io.MouseWheel), kSmallestView, largest);
    view = {.firstColumn = column - (column - view.firstColumn) * size / view.size,
            .firstRow = row - (row - view.firstRow) * size / view.size,
            .size = size};
    moved = true;
  }
  if (state.dragged && ImGui::IsMouseDragging(0, context.px(3))) {
    ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeAll);
    view.firstColumn -= io.MouseDelta.x * scale;
    view.firstRow -= io.MouseDelta.y * scale;
    moved = true;
  }
  if (moved) {
    view.firstColumn = std::clamp(view.firstColumn, 0.0, std::max(0.0, largest - view.size));
    view.firstRow = std::clamp(view.firstRow, 0.0, std::max(0.0, largest - view.size));
    m_zoomed = view;
  }
  if (ImGui::IsMouseDoubleClicked(0)) m_zoomed.reset();
  if (state.hovered && ImGui::IsMouseReleased(1)) context.selection.askForHeadMenu(head);
  const std::optional<MapPoint> point = map.pointAt(view, context.store.lane(head.lane), mouse);
  if (!point) return;
  m_point = point;
  const float travelled = std::hypot(io.MouseClickedPos[0].x - mouse.x, io.MouseClickedPos[0].y - mouse.y);
  if (state.clicked && travelled < context.px(3)) context.selection.setPosition(point->query);
}

void InspectorPanel::drawReadout(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const session::HeadAddress head = *context.selection.head();
  const session::LaneTrace& lane = context.store.lane(head.lane);
  if (!m_point || m_point->query >= lane.length()) {
    drawText(list, small, area.min, colors.textFaint,
             elided(small, "Down: the token that looks. Across: the token it looks at.", area.width()));
    return;
  }
  const auto name = [&](int position) {
    return session::quoted(lane.labelAt(position)) + " (" + model::groupDigits(position) + ")";
  };
  std::string text = name(m_point->query) + " \u2192 " + name(m_point->attended) + ": ";
  const auto value = [&](const session::HeadAddress& address) {
    const session::LaneTrace& shown = context.store.lane(address.lane);
    if (!isRecorded(shown, address.layer, m_point->query)) return std::string("not recorded");
    const session::PooledRow row = bestRow(shown, address, m_point->query);
    const auto index = static_cast<std::size_t>(m_point->attended / row.pooling);
    if (index >= row.values.size()) return std::string("\u2013");
    const std::string attention = model::shareText(row.values[index]);
    if (row.pooling == 1) return attention;
    // A pooled value is the largest of its positions.
    return "at most " + attention + " (of " + model::groupDigits(row.pooling) + " positions)";
  };
  text += lane.info().title + " " + value(head);
  if (const auto other = otherHead(context)) {
    text += ", " + context.store.lane(other->lane).info().title + " " + value(*other);
  }
  drawLabel(context, list, small, area.min, colors.text, elidedLabel(context, small, text, area.width()));
}

}  // namespace headroom::panels
