#include "app/panels/counters_panel.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "app/panels/drawing.h"
#include "core/analysis/glossary.h"
#include "core/analysis/lane_measurement.h"
#include "core/analysis/rates.h"
#include "core/model/quantity.h"

namespace headroom::panels {

namespace {

double perToken(std::uint64_t bytes, const model::StepRecord& step) {
  return static_cast<double>(bytes) / static_cast<double>(std::max<std::size_t>(step.tokens.size(), 1));
}

bool countsIssued(const model::StepRecord& step) {
  return analysis::isCounted(step.issued());
}

/// What the bar shows.
model::Traffic shownTraffic(const model::StepRecord& step) {
  return analysis::countedOrLogical(step.issued(), step.logical());
}

/// The most bytes per token that any lane shows at the step looked at: the full width of all bars.
double largestPerToken(const PanelContext& context) {
  double largest = 1.0;
  for (int lane = 0; lane < context.store.laneCount(); ++lane) {
    const int position = context.selection.positionIn(context.store, lane);
    if (position < 0) continue;
    const model::StepRecord& step = context.store.lane(lane).stepAt(position);
    largest = std::max(largest, perToken(shownTraffic(step).total(), step));
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

  if (step.stages.empty()) {
    drawText(list, small, area.min, colors.textDim, "Bytes and times");
    const std::string whole = "not recorded: a trace holds tokens and attention";
    const std::string shown = textWidth(small, whole) <= area.width() ? whole : "not in a trace";
    drawText(list, small, {area.min.x, area.min.y + small->FontSize + context.px(4)}, colors.textDim,
             elided(small, shown, area.width()));
    return;
  }
  const std::string value = model::bytesText(perToken(shownTraffic(step).total(), step));
  const int batch = lane.info().batch;
  const std::string kind = countsIssued(step) ? "Bytes issued" : "Logical bytes";
  const std::string title = prompt      ? kind + " per position, prompt block"
                            : batch > 1 ? kind + " by this step, " + std::to_string(batch) + " sequences"
                                        : kind + " for this token";
  const float room = area.width() - textWidth(small, value) - context.px(8);
  const std::string shortest = countsIssued(step) ? "issued" : "logical";
  const std::string& words = textWidth(small, title) <= room  ? title
                             : textWidth(small, kind) <= room ? kind
                                                              : shortest;
  drawText(list, small, area.min, colors.textDim, elided(small, words, room));
  drawTextRight(list, small, {area.max.x, area.min.y}, colors.text, value);
  float y = area.min.y + small->FontSize + context.px(4);
  const Rect bar{{area.min.x, y}, {area.max.x, y + context.px(12)}};
  drawBar(context, bar, position);
  y = bar.max.y + context.px(4);
  const FigureGrid grid = layOut(context, figuresOf(context, step), area);
  const float figures = static_cast<float>(grid.rows) * grid.rowHeight;
  drawLegend(context, {{area.min.x, y}, {area.max.x, area.max.y - figures - context.px(3)}}, step);
  drawFigures(context, {{area.min.x, area.max.y - figures}, area.max}, grid);
}

void CountersPanel::drawBar(const PanelContext& context, const Rect& bar, int position) {
  const model::StepRecord& step = context.store.lane(m_lane).stepAt(position);
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const double scale = bar.width() / largestPerToken(context);
  fillRect(list, bar, colors.mapGround);
  const auto classes = analysis::byClass(shownTraffic(step));
  float x = bar.min.x;
  std::string lines;
  for (int index = 0; index < analysis::kTrafficClassCount; ++index) {
    const double bytes = perToken(classes[static_cast<std::size_t>(index)], step);
    const auto width = static_cast<float>(bytes * scale);
    fillRect(list, {{x, bar.min.y}, {x + width, bar.max.y}}, colors.traffic[static_cast<std::size_t>(index)]);
    x += width;
    lines += std::string(analysis::trafficClassName(index)) + ": " +
             model::groupDigits(static_cast<std::uint64_t>(bytes)) + " B\n";
  }
  if (mouseArea("bar", bar).hovered) {
    const model::Traffic logical = step.logical();
    // The figures that narrow lanes have no room for.
    for (const Figure& figure : figuresOf(context, step)) {
      lines += figure.label + ": " + figure.value + "\n";
    }
    if (!countsIssued(step)) {
      showTip(
          context, "Logical bytes",
          lines + "Each datum once, counted. What a processor really loads, caches and all, nobody counts.");
      return;
    }
    showTip(
        context, "Bytes issued",
        lines +
            "Issued bytes, counted: what the kernels load and store, declared with every dispatch, of all "
            "sequences. Logical bytes, each datum once: " +
            model::groupDigits(static_cast<std::uint64_t>(perToken(logical.total(), step))) +
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
  // Names are never cut: classes that have no room are summed in the last place, so that what is shown adds
  // up, and stand in the bar's tool tip. They come in order of weight.
  const float needed = square + context.px(9) + textWidth(small, "act. written 888 kB");
  const int rows = std::max(1, static_cast<int>((area.height() + context.px(2)) / row));
  const int fitting = std::max(1, static_cast<int>((area.width() + gap) / (needed + gap)));
  const int columns = std::clamp((analysis::kTrafficClassCount + rows - 1) / rows, 1, fitting);
  const float columnWidth = (area.width() + gap) / static_cast<float>(columns);
  const auto classes = analysis::byClass(shownTraffic(step));
  const int places = std::min(analysis::kTrafficClassCount, rows * columns);
  std::array<std::size_t, analysis::kTrafficClassCount> order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  // What all this is about is the last to go.
  const auto kvRead = order.begin() + analysis::kKvReadClass;
  if (places <= analysis::kKvReadClass + 1) std::rotate(order.begin(), kvRead, kvRead + 1);
  for (int place = 0; place < places; ++place) {
    const bool isRest = place > 0 && place == places - 1 && places < analysis::kTrafficClassCount;
    const auto first = order.begin() + place;
    const std::size_t index = *first;
    const double bytes =
        std::accumulate(first, isRest ? order.end() : first + 1, 0.0,
                        [&](double sum, std::size_t part) { return sum + perToken(classes[part], step); });
    const float x = area.min.x + columnWidth * static_cast<float>(place / rows);
    const float y = area.min.y + row * static_cast<float>(place % rows);
    const float squareTop = y + 0.5f * (small->FontSize - square);
    fillRect(list, {{x, squareTop}, {x + square, squareTop + square}},
             isRest ? colors.textDim : colors.traffic[static_cast<std::size_t>(index)]);
    const std::string value = model::bytesText(bytes);
    const float right = x + columnWidth - gap;
    const float nameWidth = right - x - square - context.px(5) - textWidth(small, value) - context.px(4);
    drawText(list, small, {x + square + context.px(5), y}, colors.textDim,
             elided(small, isRest ? "rest" : shortClassName(static_cast<int>(index)), nameWidth));
    drawTextRight(list, small, {right, y}, colors.text, value);
  }
}

std::vector<CountersPanel::Figure> CountersPanel::figuresOf(const PanelContext& context,
                                                            const model::StepRecord& step) const {
  const session::LaneTrace& lane = context.store.lane(m_lane);
  const analysis::LaneMeasurement& measured = context.board.measurement(m_lane);
  const bool any = measured.measured();
  // Of a processor nobody counts the loads, and the probe ran elsewhere.
  const bool onDevice = any && measured.ranOnDevice();
  // Bytes are those of the step looked at, as above; the time is what such a step takes.
  const model::Traffic logical = step.logical();
  const model::Traffic issued = step.issued();
  const std::string unknown = "\u2013";
  const auto known = [&](bool is, const std::string& value) { return is ? value : unknown; };
  const double implied = analysis::impliedGigabytesPerSecond(logical, measured.stepMs);
  const model::DeviceCeilings& ceilings = context.store.ceilings();
  const double ceiling = ceilings.readAt(measured.workingSetBytes());
  const model::AttentionShape& heads = lane.info().config.attention;

  std::string ofCeiling =
      "Computed: implied GB/s / what reading reaches on this device at this step's working set of " +
      model::bytesText(static_cast<double>(measured.workingSetBytes())) + " (weights and KV). ";
  ofCeiling += ceilings.known() ? "The probes reach " + model::fixedText(ceiling, 1) +
                                      " GB/s there, measured " + ceilings.date + "."
                                : "This device's ceilings have not been measured yet.";
  const double percentOfCeiling = analysis::percentOf(implied, ceiling);
  if (ceilings.known() && analysis::isImpossibleShare(percentOfCeiling))
    ofCeiling += "\nThe step reads " + analysis::shareOfReadText(percentOfCeiling) +
                 ": Explain, Measure this device's limits again.";
  return {
      {"time per step", "per step", known(any, model::millisecondsText(measured.stepMs)),
       "Measured: wall time from the call to the return of a step, median of " +
           (any ? analysis::recentStepsText(measured.stepCount) : analysis::recentStepsText()) +
           " up to the one looked at."},
      {"implied GB/s", "impl. GB/s", known(any, analysis::impliedText(implied)),
       "Computed: " + analysis::term("implied GB/s").formula + ". 1 GB is 10^9 bytes."},
      {"of read ceiling",
       ceilings.known() && onDevice ? "of " + model::shortText(ceiling) + " GB/s" : "of ceiling",
       known(onDevice && ceilings.known(), analysis::percentOfProbeText(percentOfCeiling)), ofCeiling},
      {"KV loads", "KV loads",
       known(onDevice, analysis::kvReuseText(analysis::kvReuseFactor(issued, logical)) + "\u00d7"),
       "Counted: " + analysis::term("KV loads").formula +
           ", how often the kernel loads each key and value. For the naive kernel: query heads / KV heads "
           "= " +
           std::to_string(heads.groupSize()) + "."},
      {"logical", "logical", known(any, model::bytesText(perToken(logical.total(), step))),
       "Counted: logical bytes of the step looked at, each datum once."},
      {"issued", "issued", known(onDevice, model::bytesText(perToken(issued.total(), step))),
       "Counted: issued bytes of the step looked at, what the kernels load and store, padding and reloads "
       "included."},
      {"tokens/s", "tokens/s", known(any, model::tokenRateText(measured.tokensPerSecond())),
       tokenRateOrigin(measured.stepCount)},
  };
}

CountersPanel::FigureGrid CountersPanel::layOut(const PanelContext& context, std::vector<Figure> figures,
                                                const Rect& area) const {
  FigureGrid grid{.figures = std::move(figures)};
  const auto widestWith = [&](auto labelOf) {
    float widest = 0.0f;
    for (const Figure& figure : grid.figures) {
      widest = std::max({widest, textWidth(context.fonts.small, labelOf(figure)),
                         textWidth(context.fonts.strong, figure.value)});
    }
    return widest + context.px(9);
  };
  const auto count = static_cast<int>(grid.figures.size());
  const float full = widestWith([](const Figure& figure) { return figure.label; });
  grid.narrow = full * static_cast<float>(count) > area.width();
  const float widest =
      grid.narrow ? widestWith([](const Figure& figure) { return figure.shortLabel; }) : full;
  grid.rowHeight = context.fonts.small->FontSize + context.fonts.strong->FontSize + context.px(3);
  const int fitting = std::clamp(static_cast<int>(area.width() / widest), 1, count);
  // Two rows at most, and room for a line of the legend above them; the first figures matter most.
  const float room = area.height() - 2.0f * context.fonts.small->FontSize - context.px(24);
  const int rows = room >= 2.0f * grid.rowHeight ? 2 : 1;
  grid.rows = std::min(rows, (count + fitting - 1) / fitting);
  grid.columns = grid.rows == 1 ? fitting : std::min(fitting, (count + 1) / 2);
  grid.figures.resize(static_cast<std::size_t>(std::min(count, grid.rows * grid.columns)));
  return grid;
}

void CountersPanel::drawFigures(const PanelContext& context, const Rect& area, const FigureGrid& grid) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const session::Palette& colors = context.palette();
  const float width = area.width() / static_cast<float>(grid.columns);
  for (std::size_t index = 0; index < grid.figures.size(); ++index) {
    const auto column = static_cast<float>(index % static_cast<std::size_t>(grid.columns));
    const auto row = static_cast<float>(index / static_cast<std::size_t>(grid.columns));
    const ImVec2 at{area.min.x + width * column, area.min.y + grid.rowHeight * row};
    const Figure& figure = grid.figures[index];
    drawText(
        list, context.fonts.small, at, colors.textDim,
        elided(context.fonts.small, grid.narrow ? figure.shortLabel : figure.label, width - context.px(4)));
    drawText(list, context.fonts.strong, {at.x, at.y + context.fonts.small->FontSize + context.px(1)},
             colors.text, elided(context.fonts.strong, figure.value, width - context.px(4)));
    ImGui::PushID(static_cast<int>(index));
    if (mouseArea("figure", {at, {at.x + width, at.y + grid.rowHeight}}).hovered) {
      showTip(context, figure.label, figure.explanation);
    }
    ImGui::PopID();
  }
}

}  // namespace headroom::panels
