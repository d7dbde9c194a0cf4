#include "app/panels/headline_panel.h"

#include <algorithm>

#include "app/panels/drawing.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {

/// Of the live view's height that a line of the headline takes in a presentation: its digits are then more
/// than 4 % of the window's.
constexpr float kPresentationLine = 0.12f;

/// Of that line: how small a number may become beside its notes.
constexpr float kSmallest = 0.6f;

float headlineLine(const PanelContext& context) {
  const float usual = 1.55f * context.fonts.body->FontSize;
  if (!context.appearance.presentation()) return usual;
  return std::max(usual, kPresentationLine * ImGui::GetIO().DisplaySize.y);
}

float scaledWidth(const ImFont* font, float size, const std::string& text) {
  return textWidth(font, text) * size / font->FontSize;
}

/// A number above its notes, in units of the size of text, at least.
constexpr float kNumberOverText = 1.25f;

/// Pixels between number and notes, and left and right of the headline's middle.
constexpr float kGap = 7.0f;
constexpr float kMiddle = 8.0f;

}  // namespace

bool HeadlinePanel::stacksAt(const PanelContext& context, float width) {
  const ImFont* small = context.fonts.small;
  // A presentation has the positions too: a room multiplies.
  const char* rate = context.appearance.presentation() ? "8,888 \u00d7 88,888 B" : "88,888 B/token";
  const float notes = std::max(textWidth(small, rate), textWidth(small, "8.88\u00d7 \u00b1 0.88"));
  const float number = kSmallest * scaledWidth(context.fonts.headline, headlineLine(context), "8.88 MB");
  return number + context.px(kGap) + notes > 0.5f * width - context.px(kMiddle);
}

float HeadlinePanel::height(const PanelContext& context, bool stacked) {
  const float line = headlineLine(context);
  if (!stacked) return line;
  const float number = std::max(kSmallest * line, kNumberOverText * context.fonts.body->FontSize);
  return number + 2.0f * context.fonts.small->FontSize;
}

HeadlinePanel::Figure HeadlinePanel::cacheFigure(const PanelContext& context) const {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::LaneInfo& info = lane.info();
  const int positions = context.selection.positionIn(context.store, m_lane) + 1;
  const std::uint64_t perToken =
      model::kvCacheBytes(info.config, info.kvType, 1, static_cast<std::uint64_t>(info.batch));
  const double used = positions > 0 ? static_cast<double>(lane.cacheBytesUsed(positions - 1)) : 0.0;
  const model::AttentionShape& heads = info.config.attention;
  const std::string times = model::ratioText(static_cast<double>(heads.groupSize()));
  // Where lanes stand at different positions, their caches are not in that ratio, what a token takes is.
  const std::string smaller =
      times + "\u00d7 smaller" + (context.selection.isAtOnePosition(context.store) ? "" : " per token");
  return {.value = model::bytesText(used),
          .unit = cacheRateText(info),
          .longUnit = context.appearance.presentation()
                          ? model::groupDigits(positions) + " \u00d7 " + model::groupDigits(perToken) + " B"
                          : std::string(),
          .note = heads.groupSize() > 1 ? smaller + " than with MHA" : "a KV head per query head",
          .shortNote = heads.groupSize() > 1 ? smaller : "nothing shared",
          .heading = "KV cache",
          .explanation = cacheOrigin(info) + model::groupDigits(positions) + " positions \u00d7 " +
                         model::groupDigits(perToken) +
                         " B.\nComputed: " + std::to_string(heads.queryHeadCount) + " query heads / " +
                         std::to_string(heads.kvHeadCount) + " KV heads = " + times +
                         ". The same model with a KV head for every query head, MHA, would hold so many "
                         "times as much."};
}

HeadlinePanel::Figure HeadlinePanel::speedFigure(const PanelContext& context) const {
  const analysis::Verdict& verdict = context.board.verdict();
  const bool isKnown = m_lane < context.board.laneCount() && context.board.measurement(m_lane).measured();
  Figure figure{.value = "\u2013",
                .unit = "tokens/s",
                .note = {},
                .shortNote = {},
                .heading = "Speed",
                .explanation = {}};
  figure.explanation = tokenRateOrigin(isKnown ? context.board.measurement(m_lane).stepCount : 0);
  if (!isKnown) {
    figure.note = context.store.lane(m_lane).info().card.isTrace ? "not in a trace" : "not measured yet";
    return figure;
  }
  const analysis::LaneMeasurement& measured = context.board.measurement(m_lane);
  const double rate = measured.tokensPerSecond();
  figure.value = model::tokenRateText(rate);
  if (m_lane == verdict.reference) {
    figure.note = "the others compare with it";
    figure.shortNote = "reference";
    return figure;
  }
  const analysis::AgainstReference* against = verdict.find(m_lane);
  if (against == nullptr) return figure;
  if (!against->speedup) {
    const bool isApart = verdict.answer == analysis::Answer::OtherPositions;
    figure.note = isApart ? "at other positions" : "too few steps to compare";
    figure.shortNote = isApart ? "elsewhere" : "too few steps";
    return figure;
  }
  const analysis::Estimate& speedup = *against->speedup;
  const std::string reference = context.store.lane(verdict.reference).info().title;
  if (against->isTooNoisy) {
    figure.note = "too noisy to compare";
    figure.shortNote = "too noisy";
  } else {
    figure.note = speedup.text() + " as fast";
    figure.shortNote = speedup.text();
  }
  figure.explanation += "\nMeasured: median time of a step of " + reference +
                        " / that of this lane = " + model::timesText(speedup.value) +
                        ", at the positions that both decoded. Of resampled measurements " +
                        std::string(analysis::kRangeShareText) + " lie between " +
                        model::timesText(speedup.low) + " and " + model::timesText(speedup.high) + ".";
  return figure;
}

const std::string& HeadlinePanel::Figure::unitWithin(const ImFont* font, float width) const {
  return !longUnit.empty() && textWidth(font, longUnit) <= width ? longUnit : unit;
}

void HeadlinePanel::drawFigure(const PanelContext& context, const Figure& figure, const Rect& area) const {
  if (m_stacked) {
    drawStacked(context, figure, area);
  } else {
    drawBeside(context, figure, area);
  }
  if (mouseArea(figure.heading.c_str(), area).hovered)
    showTip(context, figure.heading + ": " + figure.value + " " + figure.unit,
            (figure.note.empty() ? "" : figure.note + ".\n") + figure.explanation);
}

void HeadlinePanel::drawStacked(const PanelContext& context, const Figure& figure, const Rect& area) const {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const ImFont* font = context.fonts.headline;
  const ImFont* small = context.fonts.small;
  const float whole = area.height() - 2.0f * small->FontSize;
  const float size = whole * std::min(1.0f, area.width() / scaledWidth(font, whole, figure.value));
  list.AddText(font, size, area.min, toImGui(colors.text), figure.value.c_str());
  const std::string& note = textWidth(small, figure.note) <= area.width() || figure.shortNote.empty()
                                ? figure.note
                                : figure.shortNote;
  const float y = area.max.y - 2.0f * small->FontSize;
  const std::string& unit = figure.unitWithin(small, area.width());
  drawText(list, small, {area.min.x, y}, colors.textDim, elided(small, unit, area.width()));
  drawText(list, small, {area.min.x, y + small->FontSize}, colors.text, elided(small, note, area.width()));
}

void HeadlinePanel::drawBeside(const PanelContext& context, const Figure& figure, const Rect& area) const {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const ImFont* font = context.fonts.headline;
  const ImFont* small = context.fonts.small;
  const float gap = context.px(kGap);
  const float whole = area.height();
  // First the note is said in short, then the number shrinks, then the notes are cut.
  const float wanted = scaledWidth(font, whole, figure.value);
  const std::string& unit = figure.unitWithin(small, area.width() - gap - wanted);
  const auto roomFor = [&](const std::string& note) {
    return area.width() - gap - std::max(textWidth(small, unit), textWidth(small, note));
  };
  const std::string& note =
      wanted <= roomFor(figure.note) || figure.shortNote.empty() ? figure.note : figure.shortNote;
  const float size = whole * std::clamp(roomFor(note) / wanted, kSmallest, 1.0f);
  const float width = scaledWidth(font, size, figure.value);
  list.AddText(font, size, {area.min.x, area.min.y + 0.5f * (whole - size)}, toImGui(colors.text),
               figure.value.c_str());
  const float x = area.min.x + width + gap;
  const float top = area.min.y + 0.5f * (whole - 2.0f * small->FontSize);
  drawText(list, small, {x, top}, colors.textDim, elided(small, unit, area.max.x - x));
  drawText(list, small, {x, top + small->FontSize}, colors.text, elided(small, note, area.max.x - x));
}

void HeadlinePanel::draw(const PanelContext& context, const Rect& area) {
  const float middle = area.min.x + 0.5f * area.width();
  const float gap = context.px(kMiddle);
  drawFigure(context, cacheFigure(context), {area.min, {middle - gap, area.max.y}});
  drawFigure(context, speedFigure(context), {{middle, area.min.y}, area.max});
}

}  // namespace headroom::panels
