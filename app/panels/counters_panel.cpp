#include "app/panels/counters_panel.h"

#include <algorithm>
#include <array>

#include "app/panels/drawing.h"
#include "core/analysis/quantity.h"
#include "core/analysis/traffic_summary.h"

namespace headroom::panels {

namespace {

/// Decode steps over which times are averaged: half a second at full speed, enough to read a steady number.
constexpr int kRecentSteps = 32;

struct Figure {
  std::string_view label;
  std::string_view shortLabel;  ///< for lanes beside the inspector
  std::string value;
  std::string_view explanation;
};

double perToken(std::uint64_t bytes, const model::StepRecord& step) {
  return static_cast<double>(bytes) / static_cast<double>(std::max<std::size_t>(step.tokens.size(), 1));
}

/// The most bytes per token that any lane issues at the step looked at: the full width of all bars.
double largestPerToken(const PanelContext& context) {
  double largest = 1.0;
  for (int lane = 0; lane < context.store.laneCount(); ++lane) {
    const int position = context.selection.positionIn(context.store, lane);
    if (position < 0) continue;
    const model::StepRecord& step = context.store.lane(lane).stepAt(position);
    largest = std::max(largest, perToken(step.issued().total(), step));
  }
  return largest;
}

}  // namespace

void CountersPanel::draw(const PanelContext& context, const Rect& area) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const int position = context.selection.positionIn(context.store, m_lane);
  if (position < 0) return;
  const model::StepRecord& step = lane.stepAt(position);
  const bool prompt = step.tokens.size() > 1;

  const std::string value = analysis::bytesText(perToken(step.issued().total(), step));
  const std::string_view title =
      prompt ? "Bytes issued per token, prompt block" : "Bytes issued for this token";
  const bool fits = textWidth(small, title) + textWidth(small, value) + context.px(8) <= area.width();
  drawText(list, small, area.min, colors.textDim, fits ? title : "Bytes issued");
  drawTextRight(list, small, {area.max.x, area.min.y}, colors.text, value);
  float y = area.min.y + small->FontSize + context.px(4);
  const Rect bar{{area.min.x, y}, {area.max.x, y + context.px(12)}};
  drawBar(context, bar, step);
  y = bar.max.y + context.px(4);
  const float figures = small->FontSize + context.fonts.strong->FontSize + context.px(2);
  drawLegend(context, {{area.min.x, y}, {area.max.x, area.max.y - figures - context.px(3)}}, step);
  drawFigures(context, {{area.min.x, area.max.y - figures}, area.max}, position);
}

void CountersPanel::drawBar(const PanelContext& context, const Rect& bar, const model::StepRecord& step) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const double scale = bar.width() / largestPerToken(context);
  fillRect(list, bar, colors.mapGround);
  const auto classes = analysis::byClass(step.issued());
  float x = bar.min.x;
  std::string lines;
  for (int index = 0; index < analysis::kTrafficClassCount; ++index) {
    const double bytes = perToken(classes[static_cast<std::size_t>(index)], step);
    const auto width = static_cast<float>(bytes * scale);
    fillRect(list, {{x, bar.min.y}, {x + width, bar.max.y}}, colors.traffic[static_cast<std::size_t>(index)]);
    x += width;
    lines += std::string(analysis::trafficClassName(index)) + ": " +
             analysis::groupDigits(static_cast<std::uint64_t>(bytes)) + " B\n";
  }
  if (mouseArea("bar", bar).hovered) {
    const model::Traffic logical = step.logical();
    showTip(context, "Bytes issued per token",
            lines +
                "Counted: what the kernels load and store, declared with every dispatch. Logical, each datum "
                "once: " +
                analysis::groupDigits(static_cast<std::uint64_t>(perToken(logical.total(), step))) +
                " B. The bars of all lanes have one scale.");
  }
}

void CountersPanel::drawLegend(const PanelContext& context, const Rect& area, const model::StepRecord& step) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const ImFont* small = context.fonts.small;
  const float row = small->FontSize + context.px(2);
  const float square = context.px(7);
  const float gap = context.px(12);
  // Names are never cut: what does not fit is in the bar's tool tip. The classes come in order of weight.
  const float needed = square + context.px(9) + textWidth(small, "act. written 888 kB");
  const int rows = std::max(1, static_cast<int>((area.height() + context.px(2)) / row));
  const int fitting = std::max(1, static_cast<int>((area.width() + gap) / (needed + gap)));
  const int columns = std::clamp((analysis::kTrafficClassCount + rows - 1) / rows, 1, fitting);
  const float columnWidth = (area.width() + gap) / static_cast<float>(columns);
  const auto classes = analysis::byClass(step.issued());
  for (int index = 0; index < std::min(analysis::kTrafficClassCount, rows * columns); ++index) {
    const float x = area.min.x + columnWidth * static_cast<float>(index / rows);
    const float y = area.min.y + row * static_cast<float>(index % rows);
    const float squareTop = y + 0.5f * (small->FontSize - square);
    fillRect(list, {{x, squareTop}, {x + square, squareTop + square}},
             colors.traffic[static_cast<std::size_t>(index)]);
    const std::string value = analysis::bytesText(perToken(classes[static_cast<std::size_t>(index)], step));
    const float right = x + columnWidth - gap;
    const float nameWidth = right - x - square - context.px(5) - textWidth(small, value) - context.px(4);
    drawText(list, small, {x + square + context.px(5), y}, colors.textDim,
             elided(small, shortClassName(index), nameWidth));
    drawTextRight(list, small, {right, y}, colors.text, value);
  }
}

void CountersPanel::drawFigures(const PanelContext& context, const Rect& area, int position) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const session::Palette& colors = context.palette();
  const analysis::StepSummary recent = lane.recent(position, kRecentSteps);
  const analysis::StepSummary total = lane.cumulative(position);
  const bool measured = recent.tokenCount > 0;
  const std::string unknown = "\u2013";
  const std::array<Figure, 4> figures{{
      {"time per token", "per token", measured ? analysis::millisecondsText(recent.msPerToken()) : unknown,
       "Measured: wall time from the call to the return of a step, mean of the last 32 decode steps up to "
       "the one "
       "looked at."},
      {"tokens/s", "tokens/s", measured ? analysis::fixedText(recent.tokensPerSecond(), 0) : unknown,
       "Computed: 1 / measured time per token. This is what the lane reaches on its own; the speed setting "
       "may pace "
       "it slower."},
      {"implied GB/s", "impl. GB/s",
       measured ? analysis::fixedText(recent.impliedGigabytesPerSecond(), 2) : unknown,
       "Computed: logical bytes (each datum once, counted) / measured time of all stages, over the last 32 "
       "decode "
       "steps. 1 GB is 10^9 bytes."},
      {"issued so far", "issued", analysis::bytesText(static_cast<double>(total.issued.total())),
       "Counted: bytes that the kernels of all decode steps so far loaded and stored, without the prompt."},
  }};
  // As many as fit uncut, with short labels beside the inspector.
  const auto needed = [&](const Figure& figure, std::string_view label) {
    return std::max(textWidth(context.fonts.small, label), textWidth(context.fonts.strong, figure.value)) +
           context.px(8);
  };
  const float full = area.width() / static_cast<float>(figures.size());
  const bool narrow = std::any_of(figures.begin(), figures.end(),
                                  [&](const Figure& figure) { return needed(figure, figure.label) > full; });
  float widest = 0.0f;
  for (const Figure& figure : figures) {
    widest = std::max(widest, needed(figure, narrow ? figure.shortLabel : figure.label));
  }
  const std::size_t count =
      std::clamp<std::size_t>(static_cast<std::size_t>(area.width() / widest), 1, figures.size());
  const float width = area.width() / static_cast<float>(count);
  for (std::size_t index = 0; index < count; ++index) {
    const float x = area.min.x + width * static_cast<float>(index);
    const Figure& figure = figures[index];
    drawText(list, context.fonts.small, {x, area.min.y}, colors.textDim,
             elided(context.fonts.small, narrow ? figure.shortLabel : figure.label, width - context.px(4)));
    drawText(list, context.fonts.strong, {x, area.min.y + context.fonts.small->FontSize + context.px(1)},
             colors.text, elided(context.fonts.strong, figure.value, width - context.px(4)));
    ImGui::PushID(static_cast<int>(index));
    if (mouseArea("figure", {{x, area.min.y}, {x + width, area.max.y}}).hovered) {
      showTip(context, figure.label, figure.explanation);
    }
    ImGui::PopID();
  }
}

}  // namespace headroom::panels
