#include "app/panels/inspector_controls.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {
constexpr const char* kWholeText = "Whole text";
/// Of the button that says which head stands beside, more than a list's width.
constexpr float kBesideMore = 40.0f;
constexpr const char* kBesidePopup = "beside";

constexpr std::array<std::string_view, 3> kFormNames{"as maps", "A \u2212 B", "as lines"};

float comboWidth(const PanelContext& context) {
  return context.px(context.appearance.presentation() ? 150 : 112);
}

/// Of the controls above the maps.
enum Control { kScale, kColors, kWholeTextButton, kForm, kBeside, kControlCount };

float buttonWidth(std::string_view label) {
  return ImGui::CalcTextSize(label.data(), label.data() + label.size()).x +
         2.0f * ImGui::GetStyle().FramePadding.x;
}

/// From the top left of their rows: one row, or more where the next control would be cut.
using ControlPlaces = std::array<ImVec2, kControlCount>;
ControlPlaces placesOf(const PanelContext& context, float width) {
  const float spacing = ImGui::GetStyle().ItemSpacing.x;
  const float combo = comboWidth(context);
  const std::array<float, kControlCount> widths{combo, combo, buttonWidth(kWholeText), combo,
                                                combo + context.px(kBesideMore)};
  ControlPlaces places{};
  ImVec2 end{0.0f, 0.0f};
  for (std::size_t control = 0; control < widths.size(); ++control) {
    // What the colours mean follows the first ones.
    if (control == kForm || (end.x > 0.0f && end.x + widths[control] > width))
      end = {0.0f, end.y + ImGui::GetFrameHeight() + context.px(4)};
    places[control] = end;
    end.x += widths[control] + spacing;
  }
  return places;
}

void drawBeside(const PanelContext& context) {
  const session::HeadAddress head = *context.selection.head();
  const std::optional<session::HeadAddress> other = context.selection.headBeside(context.store);
  const std::string label = other ? "beside " + headNameOf(context, *other) : std::string("nothing beside");
  const float width = comboWidth(context) + context.px(kBesideMore);
  const std::string arrow = " \u25be";
  const float room = width - 2.0f * ImGui::GetStyle().FramePadding.x - textWidth(context.fonts.body, arrow);
  const std::string shown = elided(context.fonts.body, label, room) + arrow;
  if (ImGui::Button((shown + "###beside").c_str(), {width, 0.0f})) ImGui::OpenPopup(kBesidePopup);
  if (ImGui::IsItemHovered())
    showTip(context, "The head beside this one",
            "Any head of any lane; or hold Shift and click on its map among a lane's heads.");
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {context.px(8), context.px(6)});
  const bool isOpen = ImGui::BeginPopup(kBesidePopup);
  ImGui::PopStyleVar();
  if (!isOpen) return;
  session::InspectorLook look = context.selection.look();
  const auto choose = [&](bool isAlone, std::optional<session::HeadAddress> beside) {
    look.isAlone = isAlone;
    look.beside = beside;
    context.selection.setLook(look);
  };
  if (ImGui::Selectable("Nothing", look.isAlone)) choose(true, std::nullopt);
  if (context.store.laneCount() > 1 &&
      ImGui::Selectable("The same head of the next lane", !look.isAlone && !look.beside))
    choose(false, std::nullopt);
  ImGui::Separator();
  session::HeadAddress chosen = other.value_or(head);
  for (int lane = 0; lane < context.store.laneCount(); ++lane) {
    const session::LaneTrace& trace = context.store.lane(lane);
    const std::string name =
        elidedLabel(context, context.fonts.body, "A head of " + trace.info().title, context.px(260));
    ImGui::PushID(lane);
    if (ImGui::Selectable(name.c_str(), look.beside && look.beside->lane == lane,
                          ImGuiSelectableFlags_DontClosePopups)) {
      choose(false, session::HeadAddress{lane, std::min(chosen.layer, trace.layerCount() - 1),
                                         std::min(chosen.queryHead, trace.queryHeadCount() - 1)});
    }
    ImGui::PopID();
  }
  if (look.beside) {
    const session::LaneTrace& trace = context.store.lane(look.beside->lane);
    chosen = *look.beside;
    ImGui::SetNextItemWidth(context.px(160));
    bool isMoved = ImGui::InputInt("layer", &chosen.layer);
    ImGui::SetNextItemWidth(context.px(160));
    isMoved = ImGui::InputInt("head", &chosen.queryHead) || isMoved;
    chosen.layer = std::clamp(chosen.layer, 0, trace.layerCount() - 1);
    chosen.queryHead = std::clamp(chosen.queryHead, 0, trace.queryHeadCount() - 1);
    if (isMoved) choose(false, chosen);
  }
  ImGui::EndPopup();
}

void drawScaleLegend(const PanelContext& context, const Rect& area, float maximum) {
  if (area.width() < context.px(120)) return;
  drawColorScale(context, {area.min, {std::min(area.max.x, area.min.x + context.px(220)), area.max.y}},
                 model::fixedText(maximum, 2),
                 context.selection.look().form == session::InspectorLook::Form::Difference
                     ? ScaleOf::Differences
                     : ScaleOf::Attention);
}

}  // namespace

std::string headNameOf(const PanelContext& context, const session::HeadAddress& head) {
  return context.store.lane(head.lane).info().title + " " + model::headName({head.layer, head.queryHead});
}

float inspectorControlsHeight(const PanelContext& context, float width) {
  return placesOf(context, width).back().y + ImGui::GetFrameHeight() + context.px(8);
}

bool drawInspectorControls(const PanelContext& context, const Rect& area, float maximum) {
  const ControlPlaces places = placesOf(context, area.width());
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
  goTo(places[kScale]);
  combo(
      "##scale", session::mapScaleName(context.selection.mapScale()), session::kMapScaleCount,
      [](int index) { return session::mapScaleName(static_cast<session::MapScale>(index)); },
      [&](int index) { context.selection.setMapScale(static_cast<session::MapScale>(index)); });
  if (ImGui::IsItemHovered()) {
    showTip(context, "Scale of all maps (S)", colorScaleText());
  }
  goTo(places[kColors]);
  combo(
      "##colors", session::colorMapName(context.selection.colorMap()), session::kColorMapCount,
      [](int index) { return session::colorMapName(static_cast<session::ColorMap>(index)); },
      [&](int index) { context.selection.setColorMap(static_cast<session::ColorMap>(index)); });
  if (ImGui::IsItemHovered()) showTip(context, "Colours of all maps (C)", "");
  goTo(places[kForm]);
  session::InspectorLook look = context.selection.look();
  combo(
      "##form", kFormNames[static_cast<std::size_t>(look.form)], static_cast<int>(kFormNames.size()),
      [](int index) { return kFormNames[static_cast<std::size_t>(index)]; },
      [&](int index) {
        look.form = static_cast<session::InspectorLook::Form>(index);
        context.selection.setLook(look);
      });
  if (ImGui::IsItemHovered())
    showTip(
        context, "How heads are shown (D)",
        "As maps; as one map of what the head gives more (red) or less (blue) than the one beside it; or as "
        "lines between tokens.");
  goTo(places[kBeside]);
  drawBeside(context);
  goTo(places[kWholeTextButton]);
  const bool wantsWhole = ImGui::Button(kWholeText);
  if (ImGui::IsItemHovered()) {
    showTip(
        context, "",
        "Show the whole text again. Zoom with the wheel, pan by dragging, double-click for the whole text.");
  }
  ImGui::SameLine();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  // Lines have the lane's colour, and are as strong as the scale says.
  if (look.form != session::InspectorLook::Form::Lines)
    drawScaleLegend(context, {{at.x + context.px(4), at.y}, {area.max.x, at.y + ImGui::GetFrameHeight()}},
                    maximum);
  return wantsWhole;
}

}  // namespace headroom::panels
