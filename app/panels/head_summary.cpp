#include "app/panels/head_summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "app/session/display_text.h"
#include "core/analysis/head_statistics.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {
constexpr int kFewestTop = 3;
constexpr int kMostTop = 10;

float summaryLine(const PanelContext& context) {
  return context.fonts.small->FontSize + context.px(3);
}

/// Of a row, in a line.
std::array<std::string, 3> shortFigures(const analysis::RowStatistics& row) {
  std::array<std::string, 3> texts;
  std::ranges::transform(figuresOf(row), texts.begin(), [](const analysis::RowFigure& figure) {
    return std::string(figure.name) + " " + figure.value;
  });
  return texts;
}

/// Where each stands in lines of a width, from their top left. None is divided.
std::array<ImVec2, 3> placesOf(const PanelContext& context, std::span<const std::string, 3> figures,
                               float width) {
  std::array<ImVec2, 3> places;
  ImVec2 at{0.0f, 0.0f};
  for (std::size_t index = 0; index < figures.size(); ++index) {
    const float needed = textWidth(context.fonts.small, figures[index]);
    if (at.x > 0.0f && at.x + needed > width) at = {0.0f, at.y + summaryLine(context)};
    places[index] = at;
    at.x += needed + context.px(14);
  }
  return places;
}
}  // namespace

float HeadSummary::smallestHeight(const PanelContext& context) {
  return (1.0f + kFewestTop) * (context.fonts.small->FontSize + context.px(3)) + context.px(36);
}

float HeadSummary::figuresHeight(const PanelContext& context, float width) {
  // Of the widest, so that a map keeps its size from row to row.
  const auto figures = shortFigures({.entropyBits = 88.88, .sinkMass = 1.0, .meanDistance = 88888.8});
  return placesOf(context, figures, width).back().y + summaryLine(context);
}

void HeadSummary::draw(const PanelContext& context, const session::HeadAddress& head, RowPurpose purpose,
                       const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneTrace& lane = context.store.lane(head.lane);
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const session::Color color = laneColor(context, head.lane);
  const int position = context.selection.positionIn(context.store, head.lane);
  const std::span<const float> row = lane.attentionRow(head.layer, head.queryHead, position);
  const float line = summaryLine(context);
  if (row.empty()) {
    const bool follows = context.playing && !context.selection.position();
    drawText(list, small, area.min, colors.textDim,
             elided(small,
                    position < 0                              ? "Nothing decoded yet."
                    : !isRecorded(lane, head.layer, position) ? "This row was not recorded."
                    : follows                                 ? "Rows this long are kept pooled."
                                                              : "Recomputing this row from the cache\u2026",
                    area.width()));
    if (position >= 0 && follows && isRecorded(lane, head.layer, position)) {
      drawText(list, small, {area.min.x, area.min.y + line}, colors.textDim,
               elided(small, "Pause for the whole row.", area.width()));
    }
    wantFullRows(context, head, purpose, position, 1);
    return;
  }
  if (area.height() < smallestHeight(context)) {
    drawFigures(context, row, area);
    return;
  }
  const std::string query = session::quoted(lane.labelAt(position));
  const std::string strongest = "max " + model::fixedText(*std::ranges::max_element(row), 3);
  drawTextRight(list, small, {area.max.x, area.min.y}, colors.textDim, strongest);
  drawLabel(context, list, small, area.min, colors.textDim,
            elidedLabel(context, small, query + " (position " + model::groupDigits(position) + ") looks at",
                        area.width() - textWidth(small, strongest) - context.px(12)));
  const float spare = std::max(0.0f, area.height() - smallestHeight(context));
  const float profileHeight = context.px(30) + 0.35f * spare;
  const int topCount = std::clamp(
      static_cast<int>((area.height() - profileHeight - context.px(6)) / line) - 1, kFewestTop, kMostTop);
  const Rect profile{{area.min.x, area.min.y + line}, {area.max.x, area.min.y + line + profileHeight}};
  drawProfile(context, row, color, profile);

  const analysis::RowStatistics statistics = analysis::rowStatistics(row, topCount);
  float y = profile.max.y + context.px(6);
  const std::array<analysis::RowFigure, 3> figures = figuresOf(statistics);
  const float split = area.min.x + 0.5f * area.width();
  float left = y;
  for (const auto& [label, value] : figures) {
    const float labelRoom = split - context.px(14) - textWidth(small, value) - area.min.x;
    drawText(list, small, {area.min.x, left}, colors.textDim, elided(small, label, labelRoom));
    drawTextRight(list, small, {split - context.px(10), left}, colors.text, value);
    left += line;
  }
  const Rect figureArea{{area.min.x, y}, {split - context.px(8), left}};
  ImGui::PushID(head.lane);
  if (mouseArea("figures", figureArea).hovered) {
    showTip(
        context, "Of this row, computed from captured attention",
        "Entropy = \u2212\u03a3 p log2 p: 0 bits looks at one token, log2 of the row's length at all alike.\n"
        "First token: attention to position 0, where heads park what they do not need.\n"
        "Mean distance = \u03a3 p \u00d7 (position \u2212 attended position), in tokens.");
  }
  ImGui::PopID();
  for (const analysis::AttendedPosition& top : statistics.top) {
    const std::string value = model::fixedText(top.attention, 3);
    const std::string label = lane.labelAt(top.position);
    const float room = area.max.x - split - textWidth(small, value) - context.px(8);
    fillRect(list,
             {{split, y + line - context.px(3)},
              {split + (area.max.x - split) * std::min(1.0f, top.attention), y + line - context.px(1)}},
             session::withAlpha(color, 0.8));
    drawLabel(context, list, small, {split, y}, colors.text, elidedLabel(context, small, label, room));
    drawTextRight(list, small, {area.max.x, y}, colors.text, value);
    y += line;
  }
}

void HeadSummary::drawFigures(const PanelContext& context, std::span<const float> row, const Rect& area) {
  const std::array<std::string, 3> figures = shortFigures(analysis::rowStatistics(row, 0));
  const std::array<ImVec2, 3> places = placesOf(context, figures, area.width());
  for (std::size_t index = 0; index < figures.size(); ++index) {
    drawText(*ImGui::GetWindowDrawList(), context.fonts.small,
             {area.min.x + places[index].x, area.min.y + places[index].y}, context.palette().text,
             elided(context.fonts.small, figures[index], area.width()));
  }
}

void HeadSummary::drawProfile(const PanelContext& context, std::span<const float> row, session::Color color,
                              const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  fillRect(list, area, context.palette().mapGround);
  const float strongest = std::max(*std::max_element(row.begin(), row.end()), 1e-6f);
  const float pitch = area.width() / static_cast<float>(row.size());
  // Bars narrower than a pixel are joined by their maximum.
  const int columns = std::min(static_cast<int>(row.size()), static_cast<int>(area.width()));
  const float width = area.width() / static_cast<float>(columns);
  for (int column = 0; column < columns; ++column) {
    const std::size_t from =
        row.size() * static_cast<std::size_t>(column) / static_cast<std::size_t>(columns);
    const std::size_t to =
        row.size() * static_cast<std::size_t>(column + 1) / static_cast<std::size_t>(columns);
    const float attention =
        *std::max_element(row.begin() + static_cast<std::ptrdiff_t>(from),
                          row.begin() + static_cast<std::ptrdiff_t>(std::max(to, from + 1)));
    const float x = area.min.x + width * static_cast<float>(column);
    const float top = area.max.y - area.height() * attention / strongest;
    fillRect(list, {{x, top}, {x + std::max(width - (pitch >= 3.0f ? 1.0f : 0.0f), 1.0f), area.max.y}},
             color);
  }
}

}  // namespace headroom::panels
