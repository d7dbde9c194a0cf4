#include "app/panels/token_text_panel.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "app/panels/drawing.h"
#include "app/panels/label.h"
#include "app/session/display_text.h"
#include "app/session/trained_context.h"
#include "core/analysis/divergence.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {

/// Attention that gets no tint at all, as a share of the strongest.
constexpr float kFaintest = 0.04f;

}  // namespace

void TokenTextPanel::draw(const PanelContext& context, const Rect& area) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  m_layout.place(context, lane, area.width() - context.px(14));
  // Whole lines only: half a line at the top would look like a mistake.
  const float lineHeight = m_layout.lineHeight();
  const Rect view{
      area.min,
      {area.max.x, area.min.y + std::max(1.0f, std::floor(area.height() / lineHeight)) * lineHeight}};
  ImGui::SetCursorScreenPos(view.min);
  ImGui::BeginChild("text", {view.width(), view.height()});

  const float height = m_layout.height();
  const ImVec2 origin = ImGui::GetCursorScreenPos();
  ImGui::Dummy({1.0f, height});
  // New text stays in sight; whoever looks back sees the step looked at.
  const bool follows = !context.selection.position();
  // In a low window lanes scroll as a whole: the text is then another of ImGui's windows, at its top.
  const bool isNew = lane.length() != m_drawnLength || m_layout.generation() != m_drawnGeneration ||
                     view.height() != m_drawnHeight || !m_drawnFollowing || ImGui::IsWindowAppearing();
  if (isNew && follows) {
    ImGui::SetScrollY(std::max(0.0f, height - view.height()));
  } else if (context.selection.position() && lane.length() > 0) {
    const float y = m_layout.lineTop(context.selection.positionIn(context.store, m_lane));
    if (y < ImGui::GetScrollY() || y + lineHeight > ImGui::GetScrollY() + view.height()) {
      ImGui::SetScrollY(std::floor((y - 0.4f * view.height()) / lineHeight) * lineHeight);
    }
  }
  m_drawnLength = lane.length();
  m_drawnGeneration = m_layout.generation();
  m_drawnHeight = view.height();
  m_drawnFollowing = follows;
  drawTokens(context, view, origin);
  drawCandidates(context);
  ImGui::EndChild();
}

std::vector<float> TokenTextPanel::attentionFrom(const PanelContext& context, int position) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const std::optional<session::HeadAddress>& head = context.selection.head();
  if (head && head->layer < lane.layerCount() && head->queryHead < lane.queryHeadCount()) {
    return lane.spreadRow(head->layer, head->queryHead, position);
  }
  if (m_meanPosition != position || m_meanRun != context.store.run()) {
    m_mean = lane.meanAttentionRow(position);
    m_meanPosition = position;
    m_meanRun = context.store.run();
  }
  return m_mean;
}

TokenTextPanel::Look TokenTextPanel::look(const PanelContext& context) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const auto& hovered = context.selection.hoveredToken();
  Look look;
  look.lockstep = context.store.feed() == session::TokenFeed::Lockstep;
  const bool hoverHere =
      hovered && (hovered->lane == m_lane || look.lockstep) && hovered->position < lane.length();
  look.query = hoverHere ? hovered->position : context.selection.positionIn(context.store, m_lane);
  look.attention = attentionFrom(context, look.query);
  // The first token is an attention sink; it would leave every other tint invisible.
  if (look.attention.size() > 1) {
    look.strongest = *std::max_element(look.attention.begin() + 1, look.attention.end());
  }
  look.divergence = context.store.divergence(m_lane);
  look.untrained = session::untrainedFrom(lane.info());
  return look;
}

std::vector<TokenTextPanel::Shown> TokenTextPanel::shownIn(const Rect& view, ImVec2 origin) const {
  std::vector<Shown> shown;
  const float lineHeight = m_layout.lineHeight();
  const std::span<const TokenUnit> units = m_layout.units();
  for (std::size_t index = 0; index < units.size(); ++index) {
    const TokenUnit& unit = units[index];
    const ImVec2 corner{origin.x + unit.x, origin.y + unit.y};
    if (corner.y + lineHeight < view.min.y || corner.y > view.max.y) continue;
    for (const TokenBox& box : m_layout.boxes().subspan(unit.firstBox, unit.endBox - unit.firstBox)) {
      const float left = corner.x + box.left;
      shown.push_back({.box = &box,
                       .unit = &unit,
                       .area = {{left, corner.y}, {left + box.width, corner.y + lineHeight}},
                       .isFirst = m_layout.firstUnit(box.position) == index});
    }
  }
  return shown;
}

std::vector<TokenTextPanel::Shown> TokenTextPanel::joined(std::vector<Shown> places) {
  std::ranges::sort(places, {},
                    [](const Shown& place) { return std::pair(place.area.min.y, place.area.min.x); });
  std::vector<Shown> result;
  for (const Shown& place : places) {
    const bool goesOn = !result.empty() && result.back().box->position == place.box->position &&
                        result.back().area.min.y == place.area.min.y;
    if (goesOn) {
      result.back().area.max.x = place.area.max.x;
      result.back().isFirst = result.back().isFirst || place.isFirst;
    } else {
      result.push_back(place);
    }
  }
  return result;
}

void TokenTextPanel::drawTokens(const PanelContext& context, const Rect& view, ImVec2 origin) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  if (lane.length() == 0) return;
  const Look look = this->look(context);
  const std::vector<Shown> shown = shownIn(view, origin);
  const std::vector<Shown> places = joined(shown);
  for (const Shown& place : places) drawGround(context, look, place);
  // ImGui's text in one go, and then the TextShaper's, since going from one to the other costs a draw call.
  for (const bool shaped : {false, true}) {
    for (std::size_t first = 0; first < shown.size();) {
      const TokenUnit& unit = *shown[first].unit;
      const std::size_t count = unit.endBox - unit.firstBox;
      if (unit.shaped == shaped) drawUnitText(context, look, std::span(shown).subspan(first, count));
      first += count;
    }
  }
  for (const Shown& place : places) drawMarks(context, look, place);

  std::optional<int> under;
  const ImVec2 mouse = ImGui::GetMousePos();
  if (ImGui::IsWindowHovered()) {
    for (const Shown& place : places) {
      if (place.area.contains(mouse)) under = place.box->position;
    }
  }
  const auto& hovered = context.selection.hoveredToken();
  if (under) {
    context.selection.setHoveredToken(session::TokenAddress{m_lane, *under});
    showTokenTip(context, *under);
    if (ImGui::IsMouseClicked(0)) {
      context.selection.setPosition(*under);
      m_candidatesAt = *under;
      ImGui::OpenPopup("candidates");
    }
  } else if (hovered && hovered->lane == m_lane) {
    context.selection.setHoveredToken(std::nullopt);
  }
}

void TokenTextPanel::drawGround(const PanelContext& context, const Look& look, const Shown& shown) const {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const Rect& token = shown.area;
  const int position = shown.box->position;
  if (look.untrained && position >= *look.untrained) fillRect(list, token, context.palette().untrained);
  if (static_cast<std::size_t>(position) >= look.attention.size()) return;
  const float attention = look.attention[static_cast<std::size_t>(position)];
  const float share = std::min(1.0f, attention / std::max(look.strongest, 1e-6f));
  if (share <= kFaintest) return;
  // Strength is colour and also the height of the bar under the token.
  const session::Color tint = laneColor(context, m_lane);
  fillRect(list, {{token.min.x, token.min.y + 1}, {token.max.x, token.max.y - 1}},
           session::withAlpha(tint, 0.34 * share));
  const float bar = context.px(3) * share;
  fillRect(list, {{token.min.x, token.max.y - 1 - bar}, {token.max.x, token.max.y - 1}}, tint);
}

session::Color TokenTextPanel::inkOf(const PanelContext& context, const Look& look, int position) const {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::Palette& colors = context.palette();
  const bool isFeed = lane.text(lane.tokens()[static_cast<std::size_t>(position)]) == "\n";
  const bool isLater = position > look.query && context.selection.position();
  if (isFeed || isLater) return colors.textFaint;
  return position < lane.promptLength() ? colors.textDim : colors.text;
}

void TokenTextPanel::drawUnitText(const PanelContext& context, const Look& look,
                                  std::span<const Shown> parts) const {
  const TokenUnit& unit = *parts.front().unit;
  const Rect& first = parts.front().area;
  const ImFont* font = context.fonts.body;
  if (unit.isMark) {
    drawEndOfText(context, first);
    return;
  }
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const float top = first.min.y + 0.5f * (m_layout.lineHeight() - font->FontSize);
  // Where the unit's line would begin.
  const ImVec2 at{first.min.x - parts.front().box->left - unit.x, top};
  const auto ink = [&](const Shown& part) { return inkOf(context, look, part.box->position); };
  const session::Color color = ink(parts.front());
  if (std::ranges::all_of(parts, [&](const Shown& part) { return ink(part) == color; })) {
    drawUnit(context, list, font, at, color, unit);
    return;
  }
  // Each token has the part of the glyphs that stands in its place; at the ends also what reaches out.
  for (const Shown& part : parts) {
    const float reach = font->FontSize;
    const float left = &part == &parts.front() ? part.area.min.x - reach : part.area.min.x;
    const float right = &part == &parts.back() ? part.area.max.x + reach : part.area.max.x;
    ImGui::PushClipRect({left, part.area.min.y - reach}, {right, part.area.max.y + reach}, true);
    drawUnit(context, list, font, at, ink(part), unit);
    ImGui::PopClipRect();
  }
}

void TokenTextPanel::drawMarks(const PanelContext& context, const Look& look, const Shown& shown) const {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const Rect& token = shown.area;
  const int position = shown.box->position;
  if (shown.isFirst && position == look.untrained) {
    const float edge = shown.unit->rightToLeft ? token.max.x : token.min.x;
    drawTrainedEdge(context, {edge, token.min.y}, {edge, token.max.y});
  }
  const int choice = lane.choices()[static_cast<std::size_t>(position)];
  if (analysis::isOtherChoice(choice, lane.tokens()[static_cast<std::size_t>(position)])) {
    list.AddLine({token.min.x + 1, token.max.y - 1}, {token.max.x - 1, token.max.y - 1},
                 toImGui(session::withAlpha(colors.mark, 0.5)), context.px(1));
  }
  if (shown.isFirst && look.divergence == position) drawMark(context, token);
  if (context.selection.isSought(lane, position))
    strokeRect(list, token, colors.text, context.px(2), context.px(1.5f));
  if (position == look.query) strokeRect(list, token, colors.accent, context.px(2), context.px(1));
}

void TokenTextPanel::drawEndOfText(const PanelContext& context, const Rect& token) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const Rect frame{{token.min.x + context.px(1), token.min.y + context.px(1)},
                   {token.max.x - context.px(1), token.max.y - context.px(1)}};
  strokeRect(list, frame, colors.textFaint, context.px(3), context.px(1));
  const ImFont* font = context.fonts.body;
  drawText(list, font,
           {token.min.x + context.px(kMarkPadding), token.min.y + 0.5f * (token.height() - font->FontSize)},
           colors.textDim, session::LaneTrace::kEndOfText);
}

void TokenTextPanel::drawMark(const PanelContext& context, const Rect& token) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const float size = context.px(4);
  strokeRect(list, token, colors.mark, context.px(2), context.px(1.5f));
  list.AddTriangleFilled({token.min.x - size, token.min.y - 1}, {token.min.x + size, token.min.y - 1},
                         {token.min.x, token.min.y + 1.4f * size}, toImGui(colors.mark));
}

std::string TokenTextPanel::rankText(const session::LaneTrace& lane, const model::RankedToken& token) {
  return "probability " + model::shareText(token.probability) + ", rank " + model::groupDigits(token.rank) +
         " of " + model::groupDigits(lane.info().config.vocabSize);
}

void TokenTextPanel::showTokenTip(const PanelContext& context, int position) const {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const int token = lane.tokens()[static_cast<std::size_t>(position)];
  const auto quoted = [&](int id) { return session::quoted(session::tokenLabel(lane.text(id))); };
  std::string text = "Position " + model::groupDigits(position) + ", token " + std::to_string(token);
  if (position < lane.promptLength()) {
    text += ", from the prompt.";
  } else if (lane.predictionOf(position) != nullptr) {
    const model::RankedToken fed = lane.fedAt(position);
    if (fed.known()) text += ", " + rankText(lane, fed);
    text += ".";
    const int choice = lane.choices()[static_cast<std::size_t>(position)];
    if (analysis::isOtherChoice(choice, token)) {
      const model::RankedToken chosen = lane.chosenAt(position);
      text += "\nThis lane would have said " + quoted(choice) +
              (chosen.known() ? ": " + rankText(lane, chosen) : std::string()) + ".";
    }
  }
  if (const std::string shared = m_layout.sharedCharacter(lane, position); !shared.empty()) {
    text += "\nTogether with the tokens beside it: " + session::quoted(shared) + ".";
  }
  if (context.store.divergence(m_lane) == position) {
    text += context.store.feed() == session::TokenFeed::Lockstep
                ? "\nFirst place where this lane would have chosen another token than it was fed."
                : "\nFirst token that differs from lane 1.";
  }
  if (lane.endsText(token)) {
    text += "\nThe token that ends a text; what follows begins the next.";
  }
  if (const auto untrained = session::untrainedFrom(lane.info()); untrained && position >= *untrained) {
    text += "\n" + session::untrainedSentence(*untrained);
  }
  text += context.selection.head() ? "\nTinted: what it looks at in the selected head."
                                   : "\nTinted: what it looks at, mean of all heads.";
  text += " Click for the other candidates.";
  showTip(context, quoted(token), text);
}

void TokenTextPanel::drawCandidate(const PanelContext& context, const model::RankedToken& candidate,
                                   float strongest, const char* note) const {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::Palette& colors = context.palette();
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImFont* body = context.fonts.body;
  const float row = ImGui::GetTextLineHeight() + context.px(4);
  const float rankWidth = context.px(44);
  const float tokenWidth = context.px(120);
  const float barWidth = context.px(150);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::Dummy({rankWidth + tokenWidth + barWidth + context.px(130), row});
  drawTextRight(list, context.fonts.small, {at.x + rankWidth - context.px(10), at.y + context.px(1)},
                colors.textDim, model::groupDigits(candidate.rank));
  const float labelLeft = at.x + rankWidth;
  drawLabel(context, list, body, {labelLeft, at.y}, colors.text,
            elidedLabel(context, body, session::tokenLabel(lane.text(candidate.token)), tokenWidth));
  const float left = labelLeft + tokenWidth;
  const float width = barWidth * candidate.probability / std::max(strongest, 1e-6f);
  fillRect(list, {{left, at.y + context.px(3)}, {left + width, at.y + row - context.px(6)}},
           laneColor(context, m_lane));
  const float numberRight = left + barWidth + context.px(52);
  drawTextRight(list, body, {numberRight, at.y}, colors.text, model::shareText(candidate.probability));
  drawText(list, context.fonts.small, {numberRight + context.px(10), at.y + context.px(1)}, colors.textDim,
           note);
}

void TokenTextPanel::drawCandidates(const PanelContext& context) {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {context.px(12), context.px(10)});
  if (ImGui::BeginPopup("candidates")) {
    const session::LaneTrace& lane = context.store.lane(m_lane);
    const model::StepRecord* prediction =
        m_candidatesAt < lane.length() ? lane.predictionOf(m_candidatesAt) : nullptr;
    if (!prediction) {
      ImGui::TextUnformatted(m_candidatesAt < lane.promptLength()
                                 ? "This token came from the prompt, so nothing was chosen here."
                                 : "This lane read the token in a block, so it chose nothing here.");
    } else {
      const int fed = lane.tokens()[static_cast<std::size_t>(m_candidatesAt)];
      const int choice = lane.choices()[static_cast<std::size_t>(m_candidatesAt)];
      ImGui::PushFont(context.fonts.small);
      ImGui::TextDisabled(
          "Candidates for position %s: rank, token, probability (computed: softmax of the logits)",
          model::groupDigits(m_candidatesAt).c_str());
      ImGui::PopFont();
      std::vector<model::RankedToken> shown;
      for (const model::Candidate& candidate : prediction->candidates)
        shown.push_back({candidate.token, static_cast<int>(shown.size()) + 1, candidate.probability});
      // What was fed and what was chosen are always among them.
      for (const model::RankedToken& other : {lane.chosenAt(m_candidatesAt), lane.fedAt(m_candidatesAt)}) {
        if (other.known() && std::ranges::find(shown, other.token, &model::RankedToken::token) == shown.end())
          shown.push_back(other);
      }
      std::ranges::sort(shown, {}, &model::RankedToken::rank);
      for (const model::RankedToken& candidate : shown) {
        const char* note = candidate.token == fed ? "fed" : candidate.token == choice ? "own choice" : "";
        drawCandidate(context, candidate, shown.front().probability, note);
      }
    }
    ImGui::EndPopup();
  }
  ImGui::PopStyleVar();
}

}  // namespace headroom::panels
