#include "app/panels/legend_panel.h"

#include <string>

#include "app/panels/drawing.h"

namespace headroom::panels {

namespace {

struct Entry {
  std::string_view text;
  std::string_view explanation;
};

/// In the order of LegendPanel::Mark.
constexpr Entry kEntries[] = {
    {"what the framed token looks at",
     "The stronger the tint and the higher the bar below a token, the more attention it gets from the framed "
     "one: in the selected head, or on average over all heads. The first token, which often gets most, does "
     "not count for the strength."},
    {"the step looked at", "Every view shows this step: the newest, or the one that was clicked."},
    {"this lane would have said another",
     "In lockstep all lanes are fed the choices of one. Point at the token to see what this lane would have "
     "said."},
    {"where that begins",
     "The first token that this lane would have chosen otherwise, or where its text "
     "first is not that of lane 1."},
    {"line break", "A token of the text that begins a new line."},
    {"maps: down who looks, across at whom",
     "A map's rows are the tokens that look, from the first at the top; its columns are the tokens they look "
     "at. Nobody looks ahead, so the upper right is empty."},
};

}  // namespace

float LegendPanel::height(const PanelContext& context) {
  return context.fonts.small->FontSize + context.px(4);
}

void LegendPanel::draw(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const float textTop = area.min.y + 0.5f * (area.height() - small->FontSize);
  const float symbol = context.px(16);
  const float gap = context.px(14);
  const float scaleWidth = context.px(190);
  const Rect scale{{area.max.x - scaleWidth, area.min.y}, area.max};
  float x = area.min.x;
  for (std::size_t entry = 0; entry < std::size(kEntries); ++entry) {
    const auto mark = static_cast<Mark>(entry);
    const bool marksChoices = context.store.marksOtherChoices();
    if (mark == Mark::OtherChoice && !marksChoices) continue;
    if (mark == Mark::Divergence && !marksChoices && context.store.laneCount() < 2) continue;
    const float width = symbol + context.px(5) + textWidth(small, kEntries[entry].text);
    if (x + width > scale.min.x - gap) continue;
    drawMark(context, mark, {{x, textTop}, {x + symbol, textTop + small->FontSize}});
    drawText(list, small, {x + symbol + context.px(5), textTop}, colors.textDim, kEntries[entry].text);
    ImGui::PushID(static_cast<int>(entry));
    if (mouseArea("legend", {{x, area.min.y}, {x + width, area.max.y}}).hovered)
      showTip(context, kEntries[entry].text, kEntries[entry].explanation);
    ImGui::PopID();
    x += width + gap;
  }
  // Each map has its own largest value.
  drawColorScale(context, scale, "largest");
  if (mouseArea("scale", scale).hovered) {
    showTip(context, std::string(session::mapScaleName(context.selection.mapScale())) + " scale",
            colorScaleText());
  }
}

void LegendPanel::drawMark(const PanelContext& context, Mark mark, const Rect& box) const {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const float middle = 0.5f * (box.min.x + box.max.x);
  switch (mark) {
    case Mark::LookedAt: {
      const session::Color tint = context.store.laneCount() > 0 ? laneColor(context, 0) : colors.lane(0);
      fillRect(list, box, session::withAlpha(tint, 0.34));
      fillRect(list, {{box.min.x, box.max.y - context.px(3)}, box.max}, tint);
      break;
    }
    case Mark::Step:
      strokeRect(list, box, colors.accent, context.px(2), context.px(1));
      break;
    case Mark::OtherChoice:
      list.AddLine({box.min.x, box.max.y - 1}, {box.max.x, box.max.y - 1},
                   toImGui(session::withAlpha(colors.mark, 0.5)), context.px(1));
      break;
    case Mark::Divergence: {
      const float size = context.px(4);
      const float top = 0.5f * (box.min.y + box.max.y) - context.px(2);
      list.AddTriangleFilled({middle - size, top}, {middle + size, top}, {middle, top + 1.4f * size},
                             toImGui(colors.mark));
      break;
    }
    case Mark::LineBreak:
      drawTextCentered(list, context.fonts.small, {middle, box.min.y}, colors.textFaint, "\u21b5");
      break;
    case Mark::Maps:
      list.AddTriangleFilled({box.min.x + context.px(2), box.min.y}, {box.max.x - context.px(2), box.max.y},
                             {box.min.x + context.px(2), box.max.y},
                             toImGui(session::colorOf(context.selection.colorMap(), 0.6)));
      break;
  }
}

}  // namespace headroom::panels
