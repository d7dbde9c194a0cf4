#include "app/panels/lane_header_panel.h"

#include <map>
#include <string>
#include <vector>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "app/session/display_text.h"
#include "app/session/trained_context.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {

std::string explanation(const session::LaneInfo& info) {
  const model::AttentionShape& heads = info.config.attention;
  if (info.card.isTrace) {
    std::string rows;
    for (const analysis::CardRow& row : info.card.rows()) rows += row.label + ": " + row.value + "\n";
    return rows + "Bytes and times belong to the machine that ran the model and are not in a trace.";
  }
  std::string text =
      std::to_string(heads.queryHeadCount) + " query heads read " + std::to_string(heads.kvHeadCount) +
      (heads.kvHeadCount == 1 ? " KV head" : " KV heads") + ", head dimension " +
      std::to_string(heads.headDim) + ", " + std::to_string(info.config.layerCount) +
      " layers, model width " + std::to_string(info.config.modelDim) + ", feed-forward width " +
      std::to_string(info.config.ffnDim) + ".\n" + model::groupDigits(info.parameterCount) +
      " parameters (counted from the tensors), " + model::bytesText(static_cast<double>(info.weightBytes)) +
      " as " + info.storageName + ". Context limit " + model::groupDigits(info.contextLength) + " tokens" +
      ". KV cache in " + std::string(model::shortName(info.kvType)) + ".\nDecodes " +
      std::to_string(info.batch) + (info.batch == 1 ? " sequence" : " sequences of the same text");
  text += info.isOnDevice
              ? " with the " + std::string(model::shortName(info.attention)) + " attention kernel."
              : " by " + info.deviceName + ".\n" + info.note;
  if (!info.changes.empty()) {
    text += "\nWhat these heads give to W_O is changed:";
    std::map<std::string, std::string> headsOf;  // by what becomes of them
    for (const model::HeadChange& change : info.changes)
      headsOf[model::deedOf(change)] += " " + model::headName(change.head);
    for (const auto& [deed, names] : headsOf) text += "\n" + deed + ":" + names;
  }
  if (const auto untrained = session::untrainedFrom(info)) {
    text += "\n" + session::untrainedSentence(*untrained);
  }
  for (const std::string& contradiction : info.contradictions) text += "\n" + contradiction;
  return text;
}

/// As many facts as fit whole, the most important first; the tool tip has them all.
std::string fittingDetails(const session::LaneInfo& info, const ImFont* font, float width) {
  std::vector<std::string> facts{std::to_string(info.config.layerCount) + " layers",
                                 "head dim " + std::to_string(info.config.attention.headDim)};
  if (info.card.isTrace) {
    facts.insert(facts.begin(), info.deviceName);
  } else if (!info.isOnDevice) {
    facts.insert(facts.begin(), "on the processor, " + info.deviceName);
  } else {
    facts.insert(facts.begin(), {model::countText(static_cast<double>(info.parameterCount)) + " parameters",
                                 info.storageName});
  }
  if (info.contextLength != info.config.contextLength) {
    facts.insert(facts.begin(), model::groupDigits(info.contextLength) + " positions");
  }
  if (!info.contradictions.empty()) facts.insert(facts.begin(), "metadata contradicts");
  std::string details = textWidth(font, facts.front()) <= width ? facts.front() : std::string();
  if (details.empty()) return details;
  for (std::size_t index = 1; index < facts.size(); ++index) {
    const std::string longer = details + " \u00b7 " + facts[index];
    if (textWidth(font, longer) > width) break;
    details = longer;
  }
  return details;
}

}  // namespace

void LaneHeaderPanel::draw(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneInfo& info = context.store.lane(m_lane).info();
  const session::Palette& colors = context.palette();
  const model::AttentionShape& heads = info.config.attention;

  const ImFont* strong = context.fonts.strong;
  const ImFont* small = context.fonts.small;
  const float baseline = area.min.y + 0.5f * (area.height() - strong->FontSize);
  const float smallTop = baseline + (strong->FontSize - small->FontSize) * 0.8f;
  float x = area.min.x;
  const std::string title = elidedLabel(context, strong, info.title, 0.45f * area.width());
  x += drawLabel(context, list, strong, {x, baseline}, laneColor(context, m_lane), title) + context.px(10);

  const std::string kind(model::shortName(heads.kind()));
  std::string shape = session::headsText(heads);
  if (!info.title.starts_with(kind)) shape = kind + "  " + shape;
  x += drawText(list, context.fonts.body, {x, baseline}, colors.text, shape) + context.px(12);

  drawText(list, small, {x, smallTop}, colors.textDim, fittingDetails(info, small, area.max.x - x));

  if (mouseArea("header", area).hovered) showTip(context, info.title, explanation(info));
}

}  // namespace headroom::panels
