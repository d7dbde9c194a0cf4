#include "app/panels/cache_panel.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "app/session/display_text.h"
#include "app/session/trained_context.h"
#include "core/analysis/traffic_summary.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {

constexpr std::string_view kTitle = "KV cache, one scale in all lanes";

analysis::CacheGrowth growthOf(const session::LaneInfo& info) {
  return analysis::cacheGrowth(info.config, info.kvType, info.contextLength, info.batch);
}

/// One per layer and KV head, all of one size.
double stripsOf(const session::LaneInfo& info) {
  return static_cast<double>(info.config.layerCount * info.config.attention.kvHeadCount);
}

/// Behind other sentences of a tool tip.
std::string trainedNote(const session::LaneInfo& info) {
  const std::optional<int> untrained = session::untrainedFrom(info);
  return untrained ? "\nBehind the line: " + session::untrainedSentence(*untrained) : std::string();
}

/// The lane with the most cache per token: every area is drawn to its scale.
int largestLane(const session::TraceStore& store) {
  int largest = 0;
  for (int lane = 1; lane < store.laneCount(); ++lane) {
    if (growthOf(store.lane(lane).info()).bytesPerToken >
        growthOf(store.lane(largest).info()).bytesPerToken) {
      largest = lane;
    }
  }
  return largest;
}

}  // namespace

void CachePanel::draw(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::LaneInfo& info = lane.info();
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const ImFont* strong = context.fonts.strong;
  const int position = context.selection.positionIn(context.store, m_lane);
  const double used = position >= 0 ? static_cast<double>(lane.cacheBytesUsed(position)) : 0.0;

  float y = area.min.y;
  drawText(list, small, {area.min.x, y}, colors.textDim,
           textWidth(small, kTitle) <= area.width() ? kTitle : "KV cache");
  y += small->FontSize + context.px(4);
  // What the headline says in large letters is not said again to a class.
  const bool withText = !context.appearance.presentation();
  const float textHeight = withText ? strong->FontSize + small->FontSize + context.px(5) : 0.0f;
  drawArea(context, {{area.min.x, y}, {area.max.x, area.max.y - textHeight}}, position + 1);

  if (withText) drawAmounts(context, {{area.min.x, area.max.y - textHeight + context.px(3)}, area.max}, used);

  if (mouseArea("cache", area).hovered) {
    const auto& pointed = context.selection.pointedKvHead();
    const bool isHere = pointed && pointed->lane == m_lane && pointed->layer;
    const std::string heading = isHere ? "KV cache: layer " + std::to_string(*pointed->layer) + ", KV head " +
                                             std::to_string(pointed->kvHead)
                                       : "KV cache";
    showTip(
        context, heading,
        (isHere ? session::sharingSentence(info.config.attention, pointed->kvHead) + "\n" : std::string()) +
            cacheOrigin(info) + model::groupDigits(static_cast<std::uint64_t>(used)) + " B used" +
            (isHere ? " (" + model::groupDigits(static_cast<std::uint64_t>(used / stripsOf(info))) +
                          " B in this strip)"
                    : std::string()) +
            (position >= 0
                 ? ", " + model::groupDigits(lane.stepAt(position).cacheBytesAllocated) + " B allocated"
                 : "") +
            ", of " + model::groupDigits(growthOf(info).bytesAtLimit()) + " B at the limit of " +
            model::groupDigits(info.contextLength) + " positions" +
            (shareOfLargest(context).empty() ? std::string() : ", " + shareOfLargest(context)) +
            ".\nComputed: " + analysis::kvFormula(info.config, info.kvType, info.batch).text() +
            ".\nThe picture: a strip per layer and KV head, filled to the position, outlined to the "
            "context limit. "
            "Equal areas are equal bytes in every lane." +
            trainedNote(info));
  }
}

void CachePanel::drawAmounts(const PanelContext& context, const Rect& area, double used) const {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneInfo& info = context.store.lane(m_lane).info();
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const ImFont* strong = context.fonts.strong;
  const analysis::CacheGrowth growth = growthOf(info);
  float y = area.min.y;
  const float x = area.min.x + drawText(list, strong, {area.min.x, y}, colors.text, model::bytesText(used)) +
                  context.px(10);
  const std::string rate = cacheRateText(info);
  const bool fits = textWidth(context.fonts.body, rate) <= area.max.x - x;
  if (fits) drawText(list, context.fonts.body, {x, y}, colors.text, rate);
  y += strong->FontSize + context.px(1);
  // The share says what sharing saves, the amount what comes: the words around them go first, then the
  // amount. All of it is in the tool tip.
  const std::string share = shareOfLargest(context);
  const std::string amount = "of " + model::bytesText(static_cast<double>(growth.bytesAtLimit()));
  std::vector<std::string> notes;
  if (!fits) {
    notes = {rate};
  } else if (share.empty()) {
    notes = {amount + " at the limit", amount};
  } else {
    notes = {share + ", " + amount + " at the limit", share, amount};
  }
  const auto fitting = std::ranges::find_if(
      notes, [&](const std::string& note) { return labelWidth(context, small, note) <= area.width(); });
  if (fitting != notes.end()) drawLabel(context, list, small, {area.min.x, y}, colors.textDim, *fitting);
}

std::string CachePanel::shareOfLargest(const PanelContext& context) const {
  const session::LaneInfo& largest = context.store.lane(largestLane(context.store)).info();
  const double ratio = static_cast<double>(growthOf(largest).bytesPerToken) /
                       static_cast<double>(growthOf(context.store.lane(m_lane).info()).bytesPerToken);
  if (ratio <= 1.0) return {};
  return "1/" + model::ratioText(ratio) + " of " + largest.title +
         (context.selection.isAtOnePosition(context.store) ? "" : " per token");
}

void CachePanel::drawArea(const PanelContext& context, const Rect& area, int positions) {
  if (area.height() < context.px(8)) return;
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneInfo& info = context.store.lane(m_lane).info();
  const session::Palette& colors = context.palette();
  const session::Color color = laneColor(context, m_lane);
  // Across: positions, the longest context is the full width. Down: bytes per position.
  double tallest = 1.0;
  for (int lane = 0; lane < context.store.laneCount(); ++lane) {
    tallest = std::max(tallest, static_cast<double>(growthOf(context.store.lane(lane).info()).bytesPerToken));
  }
  const auto longest = static_cast<float>(std::max(context.store.contextLength(), 1));
  const auto bytesPerToken = static_cast<double>(growthOf(info).bytesPerToken);
  const auto height = static_cast<float>(area.height() * bytesPerToken / tallest);
  const float width = area.width() * static_cast<float>(info.contextLength) / longest;
  const float filled = area.width() * static_cast<float>(positions) / longest;

  fillRect(list, {area.min, {area.min.x + width, area.min.y + height}}, colors.mapGround);
  const std::optional<int> untrained = session::untrainedFrom(info);
  const float edge = area.min.x + area.width() * static_cast<float>(untrained.value_or(0)) / longest;
  if (untrained) {
    fillRect(list, {{edge, area.min.y}, {area.min.x + width, area.min.y + height}}, colors.untrained);
  }
  fillRect(list, {area.min, {area.min.x + filled, area.min.y + height}}, session::withAlpha(color, 0.85));
  const int strips = info.config.layerCount * info.config.attention.kvHeadCount;
  const float strip = height / static_cast<float>(strips);
  for (int index = 1; index < strips; ++index) {
    const bool layerEdge = index % info.config.attention.kvHeadCount == 0;
    // Lines between thin strips would darken the lane with the smallest cache.
    const float apart = layerEdge ? strip * static_cast<float>(info.config.attention.kvHeadCount) : strip;
    if (apart < context.px(layerEdge ? 4 : 3)) continue;
    const float y = area.min.y + strip * static_cast<float>(index);
    list.AddLine({area.min.x, y}, {area.min.x + width, y},
                 toImGui(session::withAlpha(colors.panel, layerEdge ? 1.0 : 0.45)), context.px(1));
  }
  light(context, {area.min, {area.min.x + width, area.min.y + height}}, filled);
  pointAtStrip(context, {area.min, {area.min.x + width, area.min.y + height}});
  strokeRect(list, {area.min, {area.min.x + width, area.min.y + height}}, colors.border);
  if (untrained) drawTrainedEdge(context, {edge, area.min.y}, {edge, area.min.y + height});
}

void CachePanel::light(const PanelContext& context, const Rect& drawn, float filled) {
  const auto lit = context.selection.litHeads(context.store, m_lane);
  if (!lit) return;
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const model::ModelConfig& config = context.store.lane(m_lane).info().config;
  const session::Palette& colors = context.palette();
  fillRect(list, drawn, session::withAlpha(colors.panel, 0.6));
  const float head = drawn.height() / static_cast<float>(config.layerCount * config.attention.kvHeadCount);
  for (int layer = 0; layer < config.layerCount; ++layer) {
    if (!lit->isLayer(layer)) continue;
    const auto strip = [&](int kvHead) {
      return drawn.min.y + head * static_cast<float>(layer * config.attention.kvHeadCount + kvHead);
    };
    const Rect strips{{drawn.min.x, strip(lit->heads.kv.first)},
                      {drawn.min.x + filled, strip(lit->heads.kv.end)}};
    fillRect(list, strips, laneColor(context, m_lane));
  }
}

void CachePanel::pointAtStrip(const PanelContext& context, const Rect& drawn) {
  const model::ModelConfig& config = context.store.lane(m_lane).info().config;
  const ImVec2 mouse = ImGui::GetMousePos();
  if (!ImGui::IsWindowHovered() || !drawn.contains(mouse)) {
    context.selection.pointAtKvHead(this, std::nullopt);
    return;
  }
  const int strips = config.layerCount * config.attention.kvHeadCount;
  const int strip = std::clamp(
      static_cast<int>((mouse.y - drawn.min.y) / drawn.height() * static_cast<float>(strips)), 0, strips - 1);
  context.selection.pointAtKvHead(this,
                                  session::KvHeadAddress{.lane = m_lane,
                                                         .kvHead = strip % config.attention.kvHeadCount,
                                                         .layer = strip / config.attention.kvHeadCount});
}

}  // namespace headroom::panels
