#include "app/figures/lane_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/analysis/lane_measurement.h"
#include "core/analysis/trained_context.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

void addPoints(Series& series, const std::vector<analysis::BytesAt>& bytes, const model::ByteUnit& unit) {
  for (const analysis::BytesAt& at : bytes)
    series.points.push_back({static_cast<double>(at.position), static_cast<double>(at.bytes) / unit.bytes});
}

void markUntrained(LinePlot& plot, const std::vector<FigureLane>& lanes) {
  std::optional<int> first;
  for (const FigureLane& lane : lanes)
    first = analysis::earlierOf(first, analysis::untrainedFrom(lane.config, lane.contextLength));
  if (!first || *first >= plot.x.high) return;
  plot.untrainedFrom = *first;
}

}  // namespace

std::string meaningOf(LaneChart chart) {
  const std::string parts = "the median of each over " + analysis::recentStepsText() +
                            ", scaled together so that they add up to the median step.";
  switch (chart) {
    case LaneChart::Growth:
      return "Solid: counted by the decoder, of a trace computed. Dashed: computed up to the context limit, "
             "2 \u00d7 layers \u00d7 KV heads \u00d7 head dimension \u00d7 bytes per element \u00d7 "
             "positions \u00d7 sequences.";
    case LaneChart::Traffic:
      return "Counted: bytes that the kernels of each decode step load and store, of all sequences.";
    case LaneChart::Stages:
      return "Measured: " + parts +
             " Stages: by the device's time stamps (on the processor by its clock) in those steps that have "
             "them, layers added up. "
             "Outside: by the host's clock.";
    case LaneChart::Roofline:
      return "FLOPs: computed from the model's shape. Bytes: counted, as issued by the kernels. Times: "
             "measured, " +
             parts;
    case LaneChart::Geometry:
      return "Computed from the shapes of the model's tensors: across is what a matrix gives, down what it "
             "takes, thin lines part the heads. Parameters of a matrix are computed so too; those of the "
             "whole model are counted.";
  }
  return {};
}

analysis::CacheGrowth growthOf(const FigureLane& lane) {
  return analysis::cacheGrowth(lane.config, lane.options.kvType, lane.contextLength, lane.options.batch);
}

LinePlot growthPlot(const std::vector<FigureLane>& lanes) {
  LinePlot plot{.x = {.label = "position"}, .y = {}};
  double largest = 0.0;
  for (const FigureLane& lane : lanes) {
    largest = std::max(largest, static_cast<double>(growthOf(lane).bytesAtLimit()));
    plot.x.high = std::max(plot.x.high, static_cast<double>(lane.contextLength));
  }
  const model::ByteUnit unit = model::byteUnitFor(largest);
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
                                static_cast<double>(growth.bytesAtLimit()) / unit.bytes}}};
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
  const model::ByteUnit unit = model::byteUnitFor(largest);
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
