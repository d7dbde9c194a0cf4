#include "app/panels/drawing.h"

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>

#include "app/panels/label.h"
#include "core/analysis/glossary.h"
#include "core/analysis/lane_measurement.h"
#include "core/model/quantity.h"

namespace headroom::panels {

float textWidth(const ImFont* font, std::string_view text) {
  return const_cast<ImFont*>(font)
      ->CalcTextSizeA(font->FontSize, FLT_MAX, 0.0f, text.data(), text.data() + text.size())
      .x;
}

float drawText(ImDrawList& list, const ImFont* font, ImVec2 at, session::Color color, std::string_view text) {
  if (text.empty()) return 0.0f;
  const ImVec2 snapped{static_cast<float>(static_cast<int>(at.x + 0.5f)),
                       static_cast<float>(static_cast<int>(at.y + 0.5f))};
  list.AddText(font, font->FontSize, snapped, toImGui(color), text.data(), text.data() + text.size());
  return textWidth(font, text);
}

void drawTextRight(ImDrawList& list, const ImFont* font, ImVec2 topRight, session::Color color,
                   std::string_view text) {
  drawText(list, font, {topRight.x - textWidth(font, text), topRight.y}, color, text);
}

void drawTextCentered(ImDrawList& list, const ImFont* font, ImVec2 topCentre, session::Color color,
                      std::string_view text) {
  drawText(list, font, {topCentre.x - 0.5f * textWidth(font, text), topCentre.y}, color, text);
}

void drawTextUpwards(ImDrawList& list, const ImFont* font, ImVec2 at, session::Color color,
                     std::string_view text) {
  // Drawn level, then its vertices are turned.
  const int firstVertex = list.VtxBuffer.Size;
  list.AddText(font, font->FontSize, at, toImGui(color), text.data(), text.data() + text.size());
  for (int vertex = firstVertex; vertex < list.VtxBuffer.Size; ++vertex) {
    ImVec2& point = list.VtxBuffer[vertex].pos;
    point = {at.x + (point.y - at.y), at.y - (point.x - at.x)};
  }
}

std::string elided(const ImFont* font, std::string_view text, float width) {
  if (textWidth(font, text) <= width) return std::string(text);
  constexpr std::string_view kEllipsis = "\u2026";
  std::size_t length = text.size();
  while (length > 0) {
    --length;
    const bool insideCharacter = (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80;
    if (insideCharacter) continue;
    std::string shorter = std::string(text.substr(0, length)).append(kEllipsis);
    if (textWidth(font, shorter) <= width) return shorter;
  }
  return {};
}

void fillRect(ImDrawList& list, const Rect& rect, session::Color color, float rounding) {
  list.AddRectFilled(rect.min, rect.max, toImGui(color), rounding);
}

void strokeRect(ImDrawList& list, const Rect& rect, session::Color color, float rounding, float thickness) {
  list.AddRect(rect.min, rect.max, toImGui(color), rounding, 0, thickness);
}

void drawTrainedEdge(const PanelContext& context, ImVec2 from, ImVec2 to) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  // On whole pixels: between two of them it would be two faint lines.
  from = {std::floor(from.x), std::floor(from.y)};
  to = {std::floor(to.x), std::floor(to.y)};
  list.AddLine(from, to, toImGui(colors.panel), context.px(3));
  list.AddLine(from, to, toImGui(colors.text), context.px(1));
}

AreaState mouseArea(const char* id, const Rect& rect) {
  if (rect.width() <= 0.0f || rect.height() <= 0.0f) return {};
  const ImVec2 before = ImGui::GetCursorScreenPos();
  ImGui::SetCursorScreenPos(rect.min);
  AreaState state;
  state.clicked = ImGui::InvisibleButton(id, {rect.width(), rect.height()});
  state.hovered = ImGui::IsItemHovered();
  state.dragged = ImGui::IsItemActive();
  ImGui::SetCursorScreenPos(before);
  return state;
}

void showTip(const PanelContext& context, std::string_view heading, std::string_view text) {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {context.px(10), context.px(8)});
  ImGui::BeginTooltip();
  const float width = context.px(context.appearance.presentation() ? 460.0f : 360.0f);
  if (!heading.empty()) wrappedLabel(context, context.fonts.strong, heading, width);
  if (!text.empty()) wrappedLabel(context, context.fonts.body, text, width);
  ImGui::EndTooltip();
  ImGui::PopStyleVar();
}

std::string_view shortClassName(int trafficClass) {
  constexpr std::array<std::string_view, 6> kNames{"weights",   "KV read",      "KV written",
                                                   "act. read", "act. written", "capture"};
  return kNames[static_cast<std::size_t>(trafficClass)];
}

std::string cacheRateText(const session::LaneInfo& info) {
  const std::uint64_t bytes =
      model::kvCacheBytes(info.config, info.kvType, 1, static_cast<std::uint64_t>(info.batch));
  return model::groupDigits(bytes) + (info.batch > 1 ? " B/position" : " B/token");
}

std::string cacheOrigin(const session::LaneInfo& info) {
  return info.card.isTrace ? "Computed, a trace holds no cache: " : "Counted by the decoder: ";
}

std::string tokenRateOrigin(int steps) {
  return "Measured: " + analysis::term("tokens/s").formula + ", median of " +
         (steps > 0 ? analysis::recentStepsText(steps) : analysis::recentStepsText()) +
         " up to the one looked at. The speed setting may pace the lane slower.";
}

namespace {

std::string floorText() {
  return model::fixedText(session::kLogarithmicFloor, 4);
}

}  // namespace

void drawColorScale(const PanelContext& context, const Rect& area, const std::string& high, ScaleOf of) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const session::MapScale scale = context.selection.mapScale();
  const bool isSigned = of == ScaleOf::Differences;
  const std::string last = (isSigned ? "+" : "") + (scale == session::MapScale::SinkHidden ? high : "1");
  const std::string low = isSigned                                  ? "\u2212" + last.substr(1)
                          : scale == session::MapScale::Logarithmic ? "\u2264 " + floorText()
                                                                    : "0";
  const float textTop = area.min.y + 0.5f * (area.height() - small->FontSize);
  const float halfBar = std::min(0.5f * area.height() - context.px(3), context.px(5));
  const float middle = 0.5f * (area.min.y + area.max.y);
  const Rect bar{{area.min.x + textWidth(small, low) + context.px(5), middle - halfBar},
                 {area.max.x - textWidth(small, last) - context.px(5), middle + halfBar}};
  drawText(list, small, {area.min.x, textTop}, colors.textDim, low);
  drawText(list, small, {bar.max.x + context.px(5), textTop}, colors.textDim, last);
  constexpr int kSteps = 32;
  for (int step = 0; step < kSteps; ++step) {
    const auto xOf = [&](int index) { return bar.min.x + bar.width() * static_cast<float>(index) / kSteps; };
    fillRect(list, {{xOf(step), bar.min.y}, {xOf(step + 1), bar.max.y}},
             session::colorOf(isSigned ? session::ColorMap::Diverging : context.selection.colorMap(),
                              (step + 0.5) / kSteps));
  }
}

std::string colorScaleText() {
  return "Linear: 0 to 1. Logarithmic: " + floorText() +
         " to 1, equal steps are equal ratios. Sink hidden: linear without the first token, up to the "
         "largest "
         "attention of the rest.";
}

}  // namespace headroom::panels
