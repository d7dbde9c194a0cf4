#include "app/panels/timeline_panel.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "app/session/display_text.h"
#include "app/session/trained_context.h"
#include "core/model/quantity.h"

namespace headroom::panels {

void TimelinePanel::draw(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::TraceStore& store = context.store;
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;

  const int length = store.length();
  const int last = length - 1;
  const int looked = std::min(context.selection.position().value_or(last), last);
  const float padding = context.px(10);
  const float stepWidth = context.px(context.appearance.presentation() ? 190 : 150);
  const float middle = area.min.y + 0.5f * area.height();

  std::string label = "Step \u2013";
  std::string detail;
  if (length > 0) {
    // Counted, so that positions x bytes per token is the cache beside it.
    label = model::groupDigits(length) + (length == 1 ? " position" : " positions");
    if (looked < last) label = model::groupDigits(looked + 1) + " of " + label;
    const session::LaneTrace& first = store.lane(0);
    if (looked < first.length()) {
      detail = session::quoted(first.labelAt(looked));
    }
  }
  const bool hasTwoLines = area.height() >= context.fonts.body->FontSize + small->FontSize + context.px(2);
  const float above = hasTwoLines ? context.fonts.body->FontSize : 0.5f * context.fonts.body->FontSize;
  drawText(list, context.fonts.body, {area.min.x + padding, middle - above}, colors.text, label);
  if (hasTwoLines) {
    drawLabel(context, list, small, {area.min.x + padding, middle + context.px(1)}, colors.textDim,
              elidedLabel(context, small,
                          (context.selection.position() ? "looking back at " : "newest token ") + detail,
                          stepWidth - context.px(8)));
  }

  const Rect track{{area.min.x + padding + stepWidth, area.min.y + context.px(5)},
                   {area.max.x - padding, area.max.y - context.px(5)}};
  const int context_ = std::max(store.contextLength(), 1);
  const float pitch = track.width() / static_cast<float>(context_);
  drawTicks(context, track, pitch);

  const AreaState state = mouseArea("track", {{track.min.x, area.min.y}, {track.max.x, area.max.y}});
  if (length == 0) return;
  const float at = (ImGui::GetMousePos().x - track.min.x) / pitch;
  const int under = std::clamp(static_cast<int>(std::floor(at)), 0, last);
  if (state.dragged) {
    context.selection.setPosition(under == last ? std::nullopt : std::optional(under));
  } else if (state.hovered) {
    ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    std::string tip = under < length && at < static_cast<float>(length)
                          ? "Position " + model::groupDigits(under) +
                                ". Drag to look back; the left and right arrow keys step."
                          : "Not decoded yet. The track ends at the context limit of " +
                                model::groupDigits(context_) + " tokens.";
    const std::optional<int> untrained = session::untrainedFrom(store);
    if (untrained && at >= static_cast<float>(*untrained)) {
      tip += "\n" + session::untrainedSentence(*untrained);
    }
    showTip(context, "", tip);
  }
}

void TimelinePanel::drawTicks(const PanelContext& context, const Rect& track, float pitch) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::TraceStore& store = context.store;
  const session::Palette& colors = context.palette();
  fillRect(list, track, colors.mapGround, context.px(2));
  const auto xOf = [&](int position) { return track.min.x + pitch * static_cast<float>(position); };
  const std::optional<int> untrained = session::untrainedFrom(store);
  if (untrained) fillRect(list, {{xOf(*untrained), track.min.y}, track.max}, colors.untrained);
  drawSteps(context, track, pitch);
  if (!untrained) return;
  drawTrainedEdge(context, {xOf(*untrained), track.min.y}, {xOf(*untrained), track.max.y});
  // Where steps do not cover it yet, it is also said.
  const ImFont* small = context.fonts.small;
  const std::string label = "beyond " + session::trainedContextText(*untrained);
  const float left = xOf(std::max(*untrained, store.length())) + context.px(8);
  if (left + textWidth(small, label) < track.max.x) {
    drawText(list, small, {left, 0.5f * (track.min.y + track.max.y - small->FontSize)}, colors.textDim,
             label);
  }
}

void TimelinePanel::drawSteps(const PanelContext& context, const Rect& track, float pitch) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::TraceStore& store = context.store;
  const session::Palette& colors = context.palette();
  const int length = store.length();
  if (length == 0) return;
  const auto xOf = [&](int position) { return track.min.x + pitch * static_cast<float>(position); };
  const int prompt = store.lane(0).promptLength();
  const float top = track.min.y + context.px(3);
  const float bottom = track.max.y - context.px(3);

  // Ticks closer than two pixels run together; the band says the same.
  fillRect(list, {{track.min.x, top}, {xOf(length), bottom}}, session::withAlpha(colors.textFaint, 0.25));
  if (pitch >= 2.0f) {
    const float width = std::max(1.0f, std::floor(0.6f * pitch));
    for (int position = 0; position < length; ++position) {
      const float inset = position < prompt ? 0.3f * (bottom - top) : 0.0f;
      fillRect(list, {{xOf(position), top + inset}, {xOf(position) + width, bottom}},
               position < prompt ? colors.textFaint : colors.textDim);
    }
  }
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const std::optional<int> divergence = store.divergence(lane);
    if (!divergence) continue;
    const float x = xOf(*divergence) + 0.5f * pitch;
    const float size = context.px(4);
    list.AddTriangleFilled({x - size, track.min.y - 1}, {x + size, track.min.y - 1},
                           {x, track.min.y + 1.6f * size}, toImGui(colors.mark));
  }
  const int looked = std::min(context.selection.position().value_or(length - 1), length - 1);
  const float x = xOf(looked);
  const float width = std::max(pitch, context.px(3));
  fillRect(list, {{x, track.min.y - context.px(2)}, {x + width, track.max.y + context.px(2)}}, colors.accent,
           context.px(1));
}

}  // namespace headroom::panels
