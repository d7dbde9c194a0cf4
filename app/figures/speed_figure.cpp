#include "app/figures/speed_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/analysis/trained_context.h"
#include "core/model/error.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

/// The fitted line of a curve: solid where it was measured, dashed beyond.
void addLine(LinePlot& plot, const analysis::SpeedCurve& curve, const analysis::SpeedView& view,
             const std::vector<analysis::SpeedSample>& samples, analysis::Color color) {
  const auto line = analysis::contextLine(curve, view.batch);
  if (!line || samples.empty()) return;
  const auto part = [&](double from, double to, Stroke stroke) {
    plot.series.push_back({.name = "",
                           .color = color,
                           .stroke = stroke,
                           .points = {{from, line->at(from)}, {to, line->at(to)}}});
  };
  part(samples.front().x, samples.back().x, Stroke::Solid);
  part(samples.back().x, analysis::kBeyondMeasured * view.last, Stroke::Dashed);
}

std::vector<std::string> captionOf(const analysis::SpeedMap& map, const analysis::SpeedView& view,
                                   bool isOverContext) {
  std::vector<std::string> caption{
      "Measured: medians of the rounds of a sweep in which all took turns, with the least and the most; "
      "its steps capture no maps, unlike those of the lanes." +
      std::string(isOverContext ? " Lines are fitted; dashed they are computed, beyond what was measured."
                                : "")};
  caption.push_back(isOverContext ? fmt::format("Batch {}.", view.batch)
                                  : fmt::format("Behind {} positions.", model::groupDigits(view.positions)));
  if (view.untrainedFrom) caption.push_back(analysis::untrainedSentence(*view.untrainedFrom));
  if (!map.isComplete) caption.push_back("The sweep was stopped before its end.");
  for (const analysis::SpeedCurve& curve : map.curves) {
    caption.push_back(fmt::format("{}: {}, {} cache, {} kernel.", curve.title(), headsText(curve.attention),
                                  shortName(curve.kvType), shortName(curve.kernel)));
  }
  if (isOverContext) {
    for (const auto& [curve, against, goal, crossing] : analysis::crossingsAt(map, view.batch)) {
      caption.push_back(fmt::format("{} is {}\u00d7 as fast as {} at {} positions.",
                                    map.curves[curve].title(), model::fixedText(goal, 1),
                                    map.curves[against].title(), analysis::crossingText(crossing)));
    }
  }
  caption.push_back(fmt::format("Device: {}. {}.", map.device, map.date));
  return caption;
}

}  // namespace

CurveMark curveMark(std::size_t curve, std::size_t count) {
  constexpr std::array kShapes{Mark::Square,       Mark::Circle, Mark::Diamond,   Mark::Triangle,
                               Mark::TriangleDown, Mark::Cross,  Mark::PlusCircle};
  constexpr double kLargest = 1.5;
  constexpr double kSmallest = 0.6;
  const double place = count < 2 ? 0.5 : static_cast<double>(curve) / static_cast<double>(count - 1);
  return {.mark = kShapes[curve % kShapes.size()], .scale = kLargest + (kSmallest - kLargest) * place};
}

LinePlot speedPlot(const analysis::SpeedMap& map, const analysis::SpeedView& view, analysis::SpeedOver over,
                   const std::vector<analysis::Color>& colors) {
  const bool isOverContext = over == analysis::SpeedOver::Context;
  LinePlot plot{.x = {.label = isOverContext ? "positions in the cache" : "sequences",
                      .high = (isOverContext ? analysis::kBeyondMeasured : 1.1) * view.last},
                .y = {.label = "ms per step", .high = 0.0}};
  if (view.untrainedFrom) plot.untrainedFrom = *view.untrainedFrom;
  for (std::size_t index = 0; index < map.curves.size(); ++index) {
    const analysis::SpeedCurve& curve = map.curves[index];
    const CurveMark mark = curveMark(index, map.curves.size());
    Series series{.name = curve.title(),
                  .color = colors[index],
                  .stroke = isOverContext ? Stroke::None : Stroke::Solid,
                  .mark = mark.mark,
                  .markScale = mark.scale};
    for (const analysis::SpeedSample& sample : view.samples[index]) {
      series.points.push_back({sample.x, sample.ms.median});
      series.ranges.push_back({sample.ms.minimum, sample.ms.maximum});
      plot.y.high = std::max(plot.y.high, 1.15 * sample.ms.maximum);
    }
    plot.series.push_back(std::move(series));
    if (isOverContext) addLine(plot, curve, view, view.samples[index], colors[index]);
  }
  return plot;
}

Figure speedFigure(const analysis::SpeedMap& map, analysis::SpeedOver over,
                   const std::vector<analysis::Color>& colors) {
  const bool isOverContext = over == analysis::SpeedOver::Context;
  const analysis::SpeedView view = speedView(map, over);
  if (view.isEmpty()) throw model::Error("Nothing was measured yet, expected a sweep: choose Measure");
  Figure figure{.title = isOverContext ? "Time of a decode step against context"
                                       : "Time of a decode step against batch",
                .caption = captionOf(map, view, isOverContext),
                .content = speedPlot(map, view, over, colors)};
  figure.table.columns = {"curve",     "device",   "batch",   "positions",
                          "median_ms", "least_ms", "most_ms", "kind"};
  for (std::size_t index = 0; index < map.curves.size(); ++index) {
    for (const analysis::SpeedSample& sample : view.samples[index]) {
      const int x = static_cast<int>(sample.x);
      figure.table.rows.push_back(
          {map.curves[index].title(), map.device, std::to_string(isOverContext ? view.batch : x),
           std::to_string(isOverContext ? x : view.positions), fmt::format("{}", sample.ms.median),
           fmt::format("{}", sample.ms.minimum), fmt::format("{}", sample.ms.maximum), "measured"});
    }
  }
  return figure;
}

}  // namespace headroom::figures
