#include "app/figures/lane_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/analysis/trained_context.h"

namespace headroom::figures {

namespace {

/// Bytes of an axis in the decimal unit that its largest value has.
struct ByteUnit {
  double bytes = 1.0;
  const char* name = "B";
};

ByteUnit unitFor(double largest) {
  constexpr std::array<ByteUnit, 5> kUnits{{{1.0, "B"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}}};
  ByteUnit unit = kUnits.front();
  for (const ByteUnit& larger : kUnits) {
    if (largest >= larger.bytes) unit = larger;
  }
  return unit;
}

void addPoints(Series& series, const std::vector<analysis::BytesAt>& bytes, const ByteUnit& unit) {
  for (const analysis::BytesAt& at : bytes)
    series.points.push_back({static_cast<double>(at.position), static_cast<double>(at.bytes) / unit.bytes});
}

void markUntrained(LinePlot& plot, const std::vector<FigureLane>& lanes) {
  std::optional<int> first;
  for (const FigureLane& lane : lanes)
    first = analysis::earlierOf(first, analysis::untrainedFrom(lane.config, lane.contextLength));
  if (!first || *first >= plot.x.high) return;
  plot.untrainedFrom = *first;
  plot.untrainedName = "beyond the trained context";
}

}  // namespace

analysis::CacheGrowth growthOf(const FigureLane& lane) {
  return analysis::cacheGrowth(lane.config, lane.options.kvType, lane.contextLength, lane.options.batch);
}

LinePlot growthPlot(const std::vector<FigureLane>& lanes) {
  LinePlot plot{.x = {.label = "position"}, .y = {}};
  double largest = 0.0;
  for (const FigureLane& lane : lanes) {
    largest = std::max(largest, static_cast<double>(growthOf(lane).bytesAtLimit));
    plot.x.high = std::max(plot.x.high, static_cast<double>(lane.contextLength));
  }
  const ByteUnit unit = unitFor(largest);
  plot.y = {.label = fmt::format("KV cache, {}", unit.name), .high = largest / unit.bytes};
  for (const FigureLane& lane : lanes) {
    const analysis::CacheGrowth growth = growthOf(lane);
    Series counted{.name = lane.title, .color = lane.color, .points = {{0.0, 0.0}}};
    addPoints(counted, lane.cache, unit);
    Series computed{.name = "",
                    .color = lane.color,
                    .stroke = Stroke::Dashed,
                    .points = {counted.points.back(),
                               {static_cast<double>(growth.contextLength),
                                static_cast<double>(growth.bytesAtLimit) / unit.bytes}}};
    plot.series.push_back(std::move(counted));
    plot.series.push_back(std::move(computed));
  }
  markUntrained(plot, lanes);
  return plot;
}

LinePlot trafficPlot(const std::vector<FigureLane>& lanes) {
  double largest = 0.0;
  std::optional<int> first;
  int last = 0;
  for (const FigureLane& lane : lanes) {
    for (const analysis::BytesAt& at : lane.traffic) {
      largest = std::max(largest, static_cast<double>(at.bytes));
      first = std::min(first.value_or(at.position), at.position);
      last = std::max(last, at.position);
    }
  }
  const ByteUnit unit = unitFor(largest);
  const int left = first.value_or(0);
  LinePlot plot{
      .x = {.label = "position",
            .low = static_cast<double>(left),
            .high = static_cast<double>(std::max(last, left + 1))},
      .y = {.label = fmt::format("Bytes issued per step, {}", unit.name), .high = largest / unit.bytes}};
  for (const FigureLane& lane : lanes) {
    Series series{.name = lane.title, .color = lane.color};
    addPoints(series, lane.traffic, unit);
    plot.series.push_back(std::move(series));
  }
  markUntrained(plot, lanes);
  return plot;
}

Mark stageMark(model::Stage stage) {
  constexpr std::array<Mark, model::kStageCount> kMarks{Mark::Cross,     Mark::Square,   Mark::Disc,
                                                        Mark::Diamond,   Mark::Triangle, Mark::TriangleDown,
                                                        Mark::PlusCircle};
  return kMarks[static_cast<std::size_t>(stage)];
}

std::vector<Series> roofLines(const model::DeviceCeilings& ceilings, const analysis::RooflineRange& range,
                              analysis::Color color) {
  std::vector<Series> lines;
  for (const analysis::Roof& roof : analysis::roofs(ceilings)) {
    Series line{.name = roof.name, .color = color};
    if (roof.gigabytesPerSecond > 0.0) {
      line.stroke = lines.empty() ? Stroke::Solid : Stroke::Dashed;
      const double ridge = std::clamp(ceilings.fmaGflops / roof.gigabytesPerSecond, range.left, range.right);
      for (const double intensity : {range.left, ridge})
        line.points.push_back(
            {intensity, analysis::attainableGflops(intensity, roof.gigabytesPerSecond, ceilings.fmaGflops)});
    } else {
      line.stroke = Stroke::Dotted;
      line.points = {{range.left, ceilings.fmaGflops}, {range.right, ceilings.fmaGflops}};
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace headroom::figures
