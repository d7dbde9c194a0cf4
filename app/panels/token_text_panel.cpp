#include "app/panels/token_text_panel.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "app/panels/drawing.h"
#include "app/session/display_text.h"
#include "app/session/trained_context.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {

constexpr float kLineSpacing = 1.32f;
/// Attention that gets no tint at all, as a share of the strongest.
constexpr float kFaintest = 0.04f;
/// Between the words of the mark "end of text" and its frame.
constexpr float kMarkPadding = 5.0f;

/// A token as it stands in the text: line feeds alone, or within one, as arrows.
std::string shownText(std::string_view text) {
  return text.find('\n') == std::string_view::npos ? std::string(text) : session::tokenLabel(text);
}

/// Whether what follows begins a line.
bool endsLine(const session::LaneTrace& lane, int token) {
  return lane.endsText(token) || lane.text(token).ends_with('\n');
}

}  // namespace

void TokenTextPanel::place(const PanelContext& context, float width) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const ImFont* font = context.fonts.body;
  if (m_run != context.store.run() || m_width != width || m_font != font || m_fontSize != font->FontSize) {
    m_placed.clear();
    m_drawnLength = -1;  // in other lines the end is elsewhere
    m_run = context.store.run();
    m_width = width;
    m_font = font;
    m_fontSize = font->FontSize;
  }
  const float lineHeight = std::round(font->FontSize * kLineSpacing);
  float x = 0.0f;
  float y = 0.0f;
  if (!m_placed.empty()) {
    const auto last = m_placed.size() - 1;
    x = m_placed[last].x + m_placed[last].width;
    y = m_placed[last].y;
    if (endsLine(lane, lane.tokens()[last])) {
      x = 0.0f;
      y += lineHeight;
    }
  }
  for (std::size_t position = m_placed.size(); position < lane.tokens().size(); ++position) {
    const int token = lane.tokens()[position];
    const bool breaks = endsLine(lane, token);
    const std::string label = shownText(lane.text(token));
    float tokenWidth = textWidth(font, label);
    if (lane.endsText(token)) tokenWidth += 2.0f * context.px(kMarkPadding);
    bool wrapped = false;
    if (x > 0.0f && x + tokenWidth > width) {
      x = 0.0f;
      y += lineHeight;
      wrapped = label.starts_with(' ') && label.size() > 1;
      if (wrapped) tokenWidth = textWidth(font, std::string_view(label).substr(1));
    }
    m_placed.push_back({x, y, tokenWidth, wrapped});
    x = breaks ? 0.0f : x + tokenWidth;
    if (breaks) y += lineHeight;
  }
}

void TokenTextPanel::draw(const PanelContext& context, const Rect& area) {
  // Whole lines only: half a line at the top would look like a mistake.
  const float lineHeight = std::round(context.fonts.body->FontSize * kLineSpacing);
  const Rect view{
      area.min,
      {area.max.x, area.min.y + std::max(1.0f, std::floor(area.height() / lineHeight)) * lineHeight}};
  ImGui::SetCursorScreenPos(view.min);
  ImGui::BeginChild("text", {view.width(), view.height()});
  const session::LaneTrace& lane = context.store.lane(m_lane);
  place(context, view.width() - context.px(14));

  const float height = m_placed.empty() ? 0.0f : m_placed.back().y + lineHeight;
  const ImVec2 origin = ImGui::GetCursorScreenPos();
  ImGui::Dummy({1.0f, height});
  // New text stays in sight; whoever looks back sees the step looked at.
  if (lane.length() != m_drawnLength && !context.selection.position()) {
    ImGui::SetScrollY(std::max(0.0f, height - view.height()));
  } else if (context.selection.position() && lane.length() > 0) {
    const auto position = static_cast<std::size_t>(context.selection.positionIn(context.store, m_lane));
    const float y = m_placed[position].y;
    if (y < ImGui::GetScrollY() || y + lineHeight > ImGui::GetScrollY() + view.height()) {
      ImGui::SetScrollY(std::floor((y - 0.4f * view.height()) / lineHeight) * lineHeight);
    }
  }
  m_drawnLength = lane.length();
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

void TokenTextPanel::drawTokens(const PanelContext& context, const Rect& view, ImVec2 origin) {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  if (lane.length() == 0) return;
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const float lineHeight = std::round(context.fonts.body->FontSize * kLineSpacing);
  const float textTop = 0.5f * (lineHeight - context.fonts.body->FontSize);

  const auto& hovered = context.selection.hoveredToken();
  const bool lockstep = context.store.feed() == session::TokenFeed::Lockstep;
  const bool hoverHere =
      hovered && (hovered->lane == m_lane || lockstep) && hovered->position < lane.length();
  const int query = hoverHere ? hovered->position : context.selection.positionIn(context.store, m_lane);
  const std::vector<float> row = attentionFrom(context, query);
  // The first token is an attention sink; it would leave every other tint invisible.
  const float strongest = row.size() > 1 ? *std::max_element(row.begin() + 1, row.end()) : 1.0f;
  const std::optional<int> divergence = context.store.divergence(m_lane);
  const session::Color tint = laneColor(context, m_lane);
  const std::optional<int> untrained = session::untrainedFrom(lane.info());

  std::optional<int> under;
  const bool windowHovered = ImGui::IsWindowHovered();
  const ImVec2 mouse = ImGui::GetMousePos();
  for (int position = 0; position < lane.length(); ++position) {
    const Placed& placed = m_placed[static_cast<std::size_t>(position)];
    const ImVec2 min{origin.x + placed.x, origin.y + placed.y};
    if (min.y + lineHeight < view.min.y || min.y > view.max.y) continue;
    const Rect token{min, {min.x + placed.width, min.y + lineHeight}};
    const int id = lane.tokens()[static_cast<std::size_t>(position)];
    if (untrained && position >= *untrained) fillRect(list, token, colors.untrained);
    if (static_cast<std::size_t>(position) < row.size()) {
      const float share =
          std::min(1.0f, row[static_cast<std::size_t>(position)] / std::max(strongest, 1e-6f));
      if (share > kFaintest) {
        // Strength is colour and also the height of the bar under the token.
        fillRect(list, {{token.min.x, token.min.y + 1}, {token.max.x, token.max.y - 1}},
                 session::withAlpha(tint, 0.34 * share));
        const float bar = context.px(3) * share;
        fillRect(list, {{token.min.x, token.max.y - 1 - bar}, {token.max.x, token.max.y - 1}}, tint);
      }
    }
    const bool later = position > query && context.selection.position();
    session::Color ink = position < lane.promptLength() ? colors.textDim : colors.text;
    if (later) ink = colors.textFaint;
    const std::string_view text = lane.text(id);
    if (lane.endsText(id)) {
      drawEndOfText(context, token);
    } else {
      drawText(list, context.fonts.body, {token.min.x, token.min.y + textTop},
               text == "\n" ? colors.textFaint : ink, shownText(placed.wrapped ? text.substr(1) : text));
    }
    if (position == untrained) drawTrainedEdge(context, token.min, {token.min.x, token.max.y});
    const int choice = lane.choices()[static_cast<std::size_t>(position)];
    if (lockstep && choice >= 0 && choice != id) {
      list.AddLine({token.min.x + 1, token.max.y - 1}, {token.max.x - 1, token.max.y - 1},
                   toImGui(session::withAlpha(colors.mark, 0.5)), context.px(1));
    }
    if (divergence == position) drawMark(context, token);
    if (position == query) strokeRect(list, token, colors.accent, context.px(2), context.px(1));
    if (windowHovered && token.contains(mouse)) under = position;
  }

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
    if (choice >= 0 && choice != token) {
      const model::RankedToken chosen = lane.chosenAt(position);
      text += "\nThis lane would have said " + quoted(choice) +
              (chosen.known() ? ": " + rankText(lane, chosen) : std::string()) + ".";
    }
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
  const float labelWidth = context.px(120);
  const float barWidth = context.px(150);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::Dummy({rankWidth + labelWidth + barWidth + context.px(130), row});
  drawTextRight(list, context.fonts.small, {at.x + rankWidth - context.px(10), at.y + context.px(1)},
                colors.textDim, model::groupDigits(candidate.rank));
  const float labelLeft = at.x + rankWidth;
  drawText(list, body, {labelLeft, at.y}, colors.text,
           elided(body, session::tokenLabel(lane.text(candidate.token)), labelWidth));
  const float left = labelLeft + labelWidth;
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
      ImGui::TextUnformatted("This token came from the prompt, so nothing was chosen here.");
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
