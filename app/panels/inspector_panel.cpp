#include "app/panels/inspector_panel.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "app/panels/drawing.h"
#include "app/panels/head_wall_panel.h"
#include "app/panels/inspector_controls.h"
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

/// Whether a position is the same token in both lanes, as far as both have read.
bool haveOneText(const session::LaneTrace& lane, const session::LaneTrace& other) {
  const auto length = static_cast<std::size_t>(std::min(lane.length(), other.length()));
  return std::ranges::equal(lane.tokens().first(length), other.tokens().first(length));
}

std::string headName(const session::HeadAddress& head) {
  return "Layer " + std::to_string(head.layer) + ", head " + std::to_string(head.queryHead);
}

}  // namespace

MapViewport InspectorPanel::viewport(const PanelContext& context) const {
  if (m_zoomed) return *m_zoomed;
  const int extent = HeadWallPanel::extentFor(context.store.length(), context.store.contextLength());
  return {.firstColumn = 0.0, .firstRow = 0.0, .size = static_cast<double>(std::max(extent, 1))};
}

float InspectorPanel::leastHeight(const PanelContext& context, float width) {
  const float inner = width - 2.0f * context.px(kPadding);
  const float aroundMap = headerHeight(context) + inspectorControlsHeight(context, inner) +
                          titleHeight(context) + AttentionMapView::labelHeight(context) +
                          readoutHeight(context) + HeadSummary::figuresHeight(context, 0.5f * inner);
  return 2.0f * context.px(kPadding) + aroundMap + context.px(kLeastMap);
}

void InspectorPanel::draw(const PanelContext& context, const Rect& area) {
  if (m_run != context.store.run()) {
    m_run = context.store.run();
    m_zoomed.reset();
  }
  const Rect inner = inset(area, context.px(kPadding));
  const session::HeadAddress head = *context.selection.head();
  const std::optional<session::HeadAddress> other = context.selection.headBeside(context.store);

  const float header = headerHeight(context);
  drawHeader(context, {inner.min, {inner.max.x, inner.min.y + header}});
  float y = inner.min.y + header;
  const float controls = inspectorControlsHeight(context, inner.width());
  if (drawInspectorControls(context, {{inner.min.x, y}, {inner.max.x, y + controls}}, m_map.maximum()))
    m_zoomed.reset();
  y += controls;

  using Form = session::InspectorLook::Form;
  const Form form = context.selection.look().form;
  const Places places = arrange(context, {{inner.min.x, y}, inner.max}, other && form != Form::Difference);
  m_point.reset();
  if (form == Form::Lines) {
    drawLines(context, places);
  } else {
    drawMaps(context, places);
  }
  m_summary.draw(context, head, RowPurpose::Statistics, places.summary);
  if (places.otherMap) m_summary.draw(context, *other, RowPurpose::BesideStatistics, places.otherSummary);
  if (form != Form::Lines) drawReadout(context, places.readout);
}

void InspectorPanel::drawMaps(const PanelContext& context, const Places& places) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::HeadAddress head = *context.selection.head();
  const std::optional<session::HeadAddress> other = context.selection.headBeside(context.store);
  const MapViewport view = viewport(context);
  using RowLabels = AttentionMapView::RowLabels;
  const auto column = [&](AttentionMapView& map, const MapSubject& subject, const Rect& place,
                          RowLabels rowLabels, const std::string& title, const char* id) {
    map.draw(context, subject, view, rowLabels,
             {{place.min.x, place.min.y + titleHeight(context)}, place.max});
    drawLabel(context, list, context.fonts.small, {map.plot().min.x, place.min.y},
              laneColor(context, subject.head.lane),
              elidedLabel(context, context.fonts.small, title, place.max.x - map.plot().min.x));
    handleMouse(context, map, subject.head, id);
  };
  if (context.selection.look().form == session::InspectorLook::Form::Difference) {
    const std::string why =
        !other ? "Nothing to take away: choose a head beside this one."
        : !haveOneText(context.store.lane(head.lane), context.store.lane(other->lane))
            ? "These lanes have read other texts: their positions are not the same tokens."
            : "";
    if (why.empty()) {
      column(m_map, {head, other}, places.map, RowLabels::Shown,
             headNameOf(context, head) + " \u2212 " + headNameOf(context, *other), "map");
    } else {
      drawLabel(context, list, context.fonts.small, places.map.min, context.palette().textDim,
                elidedLabel(context, context.fonts.small, why, places.readout.width()));
    }
    return;
  }
  const bool isOneLane = other && other->lane == head.lane;
  const auto titleOf = [&](const session::HeadAddress& shown) {
    const bool isSame = other && other->layer == head.layer && other->queryHead == head.queryHead;
    return isSame ? context.store.lane(shown.lane).info().title : headNameOf(context, shown);
  };
  column(m_map, {head}, places.map, RowLabels::Shown, titleOf(head), "map");
  if (!places.otherMap) return;
  column(m_otherMap, {*other}, *places.otherMap,
         hasSameRows(context) || isOneLane ? RowLabels::Hidden : RowLabels::Shown, titleOf(*other),
         "other map");
}

void InspectorPanel::drawLines(const PanelContext& context, const Places& places) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const auto column = [&](AttentionLinesView& lines, const session::HeadAddress& head, const Rect& place) {
    drawLabel(context, list, context.fonts.small, place.min, laneColor(context, head.lane),
              elidedLabel(context, context.fonts.small, headNameOf(context, head), place.width()));
    lines.draw(context, head, {{place.min.x, place.min.y + titleHeight(context)}, place.max});
  };
  // What labels and read-out need of maps is theirs.
  const auto grown = [&](Rect place) {
    place.max.y = places.readout.max.y - context.px(4);
    return place;
  };
  column(m_lines, *context.selection.head(), grown(places.map));
  if (places.otherMap)
    column(m_otherLines, *context.selection.headBeside(context.store), grown(*places.otherMap));
}

InspectorPanel::Places InspectorPanel::arrange(const PanelContext& context, const Rect& area,
                                               bool hasOther) const {
  const float gap = context.px(kPadding);
  const float readout = readoutHeight(context);
  const float labels = AttentionMapView::labelWidth(context);
  const float aroundMap = titleHeight(context) + AttentionMapView::labelHeight(context);
  const std::optional<session::HeadAddress> other = context.selection.headBeside(context.store);
  const bool isOneLane = other && other->lane == context.selection.head()->lane;
  const float labelSets = hasSameRows(context) || isOneLane ? 1.0f : 2.0f;
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
            elidedLabel(context, context.fonts.body, detail, area.max.x - x - 2.0f * close - context.px(14)));

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
  drawFill(context, {{button.min.x - close - context.px(2), button.min.y},
                     {button.min.x - context.px(2), button.max.y}});
}

void InspectorPanel::drawFill(const PanelContext& context, const Rect& button) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const bool fills = context.selection.look().fillsView;
  const AreaState state = mouseArea("fill", button);
  if (state.hovered) {
    fillRect(list, button, context.palette().hovered, context.px(4));
    showTip(context, "", fills ? "Show the lanes again (F)" : "Fill the view with this (F)");
  }
  // A frame that grows into another, or the other way round.
  const ImVec2 centre{0.5f * (button.min.x + button.max.x), 0.5f * (button.min.y + button.max.y)};
  const float large = context.px(5);
  const float small = context.px(2);
  strokeRect(list, {{centre.x - large, centre.y - large}, {centre.x + large, centre.y + large}},
             fills ? context.palette().textFaint : context.palette().text, 0.0f, context.px(1.5f));
  strokeRect(list, {{centre.x - large, centre.y}, {centre.x - large + 2.0f * small, centre.y + large}},
             fills ? context.palette().text : context.palette().textFaint, 0.0f, context.px(1.5f));
  if (state.clicked) context.selection.fillView(context.store);
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
    drawText(
        list, small, area.min, colors.textFaint,
        elided(
            small,
            "Down: the token that looks. Across: the token it looks at. Click a row and press P to pin it.",
            area.width()));
    return;
  }
  const auto name = [&](int position) {
    return session::quoted(lane.labelAt(position)) + " (" + model::groupDigits(position) + ")";
  };
  std::string text = name(m_point->query) + " \u2192 " + name(m_point->attended) + ": ";
  const auto valueAt = [&](const session::HeadAddress& address, int query) {
    const session::LaneTrace& shown = context.store.lane(address.lane);
    if (!isRecorded(shown, address.layer, query)) return std::string("not recorded");
    const session::PooledRow row = bestRow(shown, address, query);
    const auto index = static_cast<std::size_t>(m_point->attended / row.pooling);
    if (index >= row.values.size()) return std::string("\u2013");
    const std::string attention = model::shareText(row.values[index]);
    if (row.pooling == 1) return attention;
    // A pooled value is the largest of its positions.
    return "at most " + attention + " (of " + model::groupDigits(row.pooling) + " positions)";
  };
  const auto value = [&](const session::HeadAddress& address) { return valueAt(address, m_point->query); };
  text += lane.info().title + " " + value(head);
  if (const auto other = context.selection.headBeside(context.store)) {
    const bool isOneLane = other->lane == head.lane;
    text += ", " +
            (isOneLane ? model::headName({other->layer, other->queryHead})
                       : context.store.lane(other->lane).info().title) +
            " " + value(*other);
  }
  for (const int pin : context.selection.pins()) {
    if (pin >= m_point->attended && pin < lane.length() && pin != m_point->query)
      text += "; pinned " + name(pin) + ": " + valueAt(head, pin);
  }
  drawLabel(context, list, small, area.min, colors.text, elidedLabel(context, small, text, area.width()));
}

}  // namespace headroom::panels
