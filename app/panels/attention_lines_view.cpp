#include "app/panels/attention_lines_view.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {
/// Across, of each column of tokens.
constexpr float kTokenShare = 0.3f;
/// Below this share of the scale no line is drawn: thousands of them would be a veil.
constexpr double kFaintestLine = 0.02;
/// Lines of tokens that are not looked at, while another is.
constexpr double kBehind = 0.25;
constexpr int kWheelStep = 3;
}  // namespace

AttentionLinesView::Rows AttentionLinesView::rows(const PanelContext& context, const session::LaneTrace& lane,
                                                  int position, const Rect& area) {
  Rows rows{.height = context.fonts.small->FontSize + context.px(5)};
  rows.top = area.min.y + context.fonts.small->FontSize + context.px(6);
  const int room = std::max(2, static_cast<int>((area.max.y - rows.top) / rows.height));
  const int length = std::min(position + 1, lane.length());
  m_back = std::clamp(m_back, 0, std::max(0, length - room));
  const int end = length - m_back;
  rows.hasEarlier = end > room;
  rows.count = std::min(end, rows.hasEarlier ? room - 1 : room);
  rows.first = end - rows.count;
  return rows;
}

std::optional<AttentionLinesView::Pointed> AttentionLinesView::handleMouse(const PanelContext& context,
                                                                           const session::HeadAddress& head,
                                                                           const Rect& area,
                                                                           const Rows& rows) {
  const AreaState state = mouseArea(m_id, area);
  m_isPointedAt = state.hovered;
  if (!state.hovered) return std::nullopt;
  const ImGuiIO& io = ImGui::GetIO();
  if (io.MouseWheel != 0.0f)
    m_back += kWheelStep *
              static_cast<int>(io.MouseWheel > 0.0f ? std::ceil(io.MouseWheel) : std::floor(io.MouseWheel));
  if (ImGui::IsMouseReleased(1)) context.selection.askForHeadMenu(head);
  const int line = static_cast<int>(std::floor((io.MousePos.y - rows.top) / rows.height));
  const int position = rows.first + line - (rows.hasEarlier ? 1 : 0);
  if (io.MousePos.y < rows.top || position < rows.first || position >= rows.first + rows.count)
    return std::nullopt;
  const float column = kTokenShare * area.width();
  if (io.MousePos.x > area.min.x + column && io.MousePos.x < area.max.x - column) return std::nullopt;
  const Side side = io.MousePos.x <= area.min.x + column ? Side::Looks : Side::IsLookedAt;
  if (side == Side::Looks && state.clicked) context.selection.setPosition(position);
  return Pointed{position, side};
}

void AttentionLinesView::drawTokens(const PanelContext& context, const session::HeadAddress& head,
                                    const Rect& area, const Rows& rows,
                                    const std::optional<Pointed>& pointed) const {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneTrace& lane = context.store.lane(head.lane);
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const float column = kTokenShare * area.width();
  const float right = area.max.x - column;
  const float room = column - context.px(8);
  drawTextRight(list, small, {area.min.x + column - context.px(4), area.min.y}, colors.textFaint,
                elided(small, "looks", room));
  drawText(list, small, {right + context.px(4), area.min.y}, colors.textFaint,
           elided(small, "is looked at", room));
  const float up = 0.5f * small->FontSize;
  if (rows.hasEarlier) {
    drawText(list, small, {right + context.px(4), rows.centreOfEarlier() - up}, colors.textDim,
             elided(small, "before: " + model::groupDigits(rows.first) + " tokens", room));
  }
  const int shown = context.selection.positionIn(context.store, head.lane);
  for (int position = rows.first; position < rows.first + rows.count; ++position) {
    const float y = rows.centreOf(position) - up;
    const bool isLooking =
        pointed ? pointed->side == Side::Looks && pointed->position == position : position == shown;
    const bool isSeen = pointed && pointed->side == Side::IsLookedAt && pointed->position == position;
    const std::string label = elidedLabel(context, small, lane.labelAt(position), room);
    drawLabelRight(context, list, small, {area.min.x + column - context.px(4), y},
                   isLooking ? colors.text : colors.textDim, label);
    drawLabel(context, list, small, {right + context.px(4), y}, isSeen ? colors.text : colors.textDim, label);
  }
}

bool AttentionLinesView::drawLines(const PanelContext& context, const session::HeadAddress& head,
                                   const Rect& area, const Rows& rows, int query,
                                   const std::optional<Pointed>& pointed) const {
  const session::LaneTrace& lane = context.store.lane(head.lane);
  const session::PooledRow row = bestRow(lane, head, query);
  if (row.values.empty() || row.pooling > 1) return false;
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::MapScale scale = context.selection.mapScale();
  const bool hidesSink = scale == session::MapScale::SinkHidden;
  const float largest =
      hidesSink && row.values.size() > 1 ? *std::max_element(row.values.begin() + 1, row.values.end()) : 1.0f;
  const float from = area.min.x + kTokenShare * area.width();
  const float to = area.max.x - kTokenShare * area.width();
  const session::Color ink = laneColor(context, head.lane);
  const int shown = context.selection.positionIn(context.store, head.lane);
  const bool isFirst = pointed ? pointed->side == Side::Looks && pointed->position == query : query == shown;
  const auto line = [&](float target, float attention, bool isAlone) {
    const double share = session::scaled(scale, attention, largest);
    if (share < kFaintestLine) return;
    const double alpha = share * (isFirst || isAlone ? 1.0 : kBehind);
    list.AddLine({from, rows.centreOf(query)}, {to, target}, toImGui(session::withAlpha(ink, alpha)),
                 context.px(1.0f + 2.0f * static_cast<float>(share)));
  };
  const auto figure = [&](float y, float attention) {
    const std::string text = model::shareText(attention);
    const ImFont* small = context.fonts.small;
    const float top = y - 0.5f * small->FontSize;
    fillRect(list, {{to - textWidth(small, text) - context.px(6), top}, {to, top + small->FontSize}},
             session::withAlpha(context.palette().panel, 0.85));
    drawTextRight(list, small, {to - context.px(3), top}, context.palette().text, text);
  };
  for (int attended = rows.first; attended <= query; ++attended) {
    const bool isSeen = pointed && pointed->side == Side::IsLookedAt && pointed->position == attended;
    if (pointed && !isFirst && !isSeen) continue;
    if (hidesSink && attended == 0) continue;
    const float attention = row.values[static_cast<std::size_t>(attended)];
    line(rows.centreOf(attended), attention, isSeen);
    if (pointed && isFirst && attention >= 0.01f) figure(rows.centreOf(attended), attention);
  }
  if (rows.hasEarlier && (!pointed || isFirst)) {
    const auto begin = row.values.begin() + (hidesSink ? 1 : 0);
    const float before = std::accumulate(begin, row.values.begin() + rows.first, 0.0f);
    line(rows.centreOfEarlier(), before, false);
    if (pointed && before >= 0.01f) figure(rows.centreOfEarlier(), before);
  }
  return true;
}

void AttentionLinesView::draw(const PanelContext& context, const session::HeadAddress& head,
                              const Rect& area) {
  const session::LaneTrace& lane = context.store.lane(head.lane);
  if (lane.length() == 0) return;
  const int position = context.selection.positionIn(context.store, head.lane);
  if (position != m_position && context.selection.position()) m_back = 0;
  m_position = position;
  const Rows rows = this->rows(context, lane, position, area);
  if (rows.count <= kMostReplayedRows) wantFullRows(context, head, m_purpose, rows.first, rows.count);
  const std::optional<Pointed> pointed = handleMouse(context, head, area, rows);
  ImGui::PushClipRect(area.min, area.max, true);
  int missing = 0;
  // The token looked at lies over the others.
  const int last = rows.first + rows.count - 1;
  const int front =
      std::clamp(pointed && pointed->side == Side::Looks ? pointed->position : position, rows.first, last);
  for (int query = rows.first; query <= last; ++query) {
    if (query != front) missing += drawLines(context, head, area, rows, query, pointed) ? 0 : 1;
  }
  missing += drawLines(context, head, area, rows, front, pointed) ? 0 : 1;
  drawTokens(context, head, area, rows, pointed);
  if (missing > 0) {
    const ImFont* small = context.fonts.small;
    drawTextCentered(
        *ImGui::GetWindowDrawList(), small, {0.5f * (area.min.x + area.max.x), area.max.y - small->FontSize},
        context.palette().textDim,
        elided(small, model::groupDigits(missing) + " rows are not there in full: pause to see them",
               area.width()));
  }
  ImGui::PopClipRect();
}

}  // namespace headroom::panels
