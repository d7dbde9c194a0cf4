#include "app/figures/lane_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/analysis/roofline.h"
#include "core/analysis/step_parts.h"
#include "core/analysis/traffic_summary.h"
#include "core/analysis/trained_context.h"
#include "core/analysis/truth_card.h"
#include "core/model/error.h"
#include "core/model/quantity.h"

namespace headroom::figures {

namespace {

constexpr analysis::Color kRoofColor = analysis::rgb(0x556070);

template <typename Number>
std::string whole(Number value) {
  return fmt::format("{}", value);
}

/// The cells with which every row of a lane begins.
const std::vector<std::string> kLaneColumns{"lane", "model", "device"};
std::vector<std::string> laneCells(const FigureLane& lane) {
  return {lane.title, lane.config.name, lane.device};
}

std::vector<std::string> columns(std::initializer_list<const char*> further) {
  std::vector<std::string> all = kLaneColumns;
  all.insert(all.end(), further.begin(), further.end());
  return all;
}

void addRow(Table& table, const FigureLane& lane, std::initializer_list<std::string> further) {
  std::vector<std::string> cells = laneCells(lane);
  cells.insert(cells.end(), further.begin(), further.end());
  table.rows.push_back(std::move(cells));
}

void sayUntrained(const LinePlot& plot, std::vector<std::string>& caption) {
  if (plot.untrainedFrom)
    caption.push_back(analysis::untrainedSentence(static_cast<int>(*plot.untrainedFrom)));
}

Figure growthFigure(const std::vector<FigureLane>& lanes) {
  Figure figure{.title = "KV cache over positions", .caption = {meaningOf(LaneChart::Growth)}};
  figure.table.columns = columns({"positions", "cache_bytes", "kind"});
  LinePlot plot = growthPlot(lanes);
  for (std::size_t index = 0; index < lanes.size(); ++index) {
    const FigureLane& lane = lanes[index];
    if (lane.cache.empty()) throw model::Error(lane.title + " has made no step yet, expected at least one");
    const analysis::CacheGrowth growth = growthOf(lane);
    for (const analysis::BytesAt& at : lane.cache)
      addRow(figure.table, lane,
             {whole(at.position), whole(at.bytes), lane.holdsCache ? "counted" : "computed"});
    addRow(figure.table, lane, {whole(growth.contextLength), whole(growth.bytesAtLimit()), "computed"});
    plot.series[2 * index + 1].name = fmt::format(
        "{} at the limit: {}", lane.title, model::bytesText(static_cast<double>(growth.bytesAtLimit())));
    figure.caption.push_back(
        fmt::format("{}: {}", lane.title,
                    analysis::kvFormula(lane.config, lane.options.kvType, lane.options.batch).text()));
    if (!lane.holdsCache)
      figure.caption.push_back(lane.title +
                               " is a trace, which holds no cache: its solid line is computed too.");
  }
  sayUntrained(plot, figure.caption);
  figure.content = std::move(plot);
  return figure;
}

template <typename Value>
void requireCounted(const std::vector<Value>& values) {
  if (!values.empty()) return;
  throw model::Error("No lane has a decode step whose issued bytes were counted, expected at least one");
}

Figure trafficFigure(const std::vector<FigureLane>& lanes) {
  Figure figure{.title = "Bytes issued per decode step", .caption = {meaningOf(LaneChart::Traffic)}};
  figure.table.columns = columns({"position", "issued_bytes", "kind"});
  for (const FigureLane& lane : lanes) {
    for (const analysis::BytesAt& at : lane.traffic)
      addRow(figure.table, lane, {whole(at.position), whole(at.bytes), "counted"});
    if (lane.traffic.empty()) figure.caption.push_back(lane.title + ": nobody counted its bytes.");
  }
  requireCounted(figure.table.rows);
  LinePlot plot = trafficPlot(lanes);
  sayUntrained(plot, figure.caption);
  figure.content = std::move(plot);
  return figure;
}

void requireMeasured(const std::vector<FigureLane>& lanes) {
  for (const FigureLane& lane : lanes) {
    if (lane.measurement.measured()) continue;
    throw model::Error(lane.title + " has made no decode step yet, expected at least one");
  }
}

Figure stagesFigure(const std::vector<FigureLane>& lanes) {
  requireMeasured(lanes);
  Figure figure{.title = "Time per stage of a decode step", .caption = {meaningOf(LaneChart::Stages)}};
  figure.table.columns = columns({"part", "ms", "kind"});
  BarPlot plot{.label = "ms per step"};
  plot.groups.assign(analysis::kStepPartNames.begin(), analysis::kStepPartNames.end());
  for (const FigureLane& lane : lanes) {
    const auto parts = analysis::stepPartsMs(lane.measurement);
    plot.lanes.push_back({lane.title, lane.color, {parts.begin(), parts.end()}});
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const std::string name = part < model::kStageCount
                                   ? std::string(stageName(static_cast<model::Stage>(part)))
                                   : analysis::kStepPartNames[part];
      addRow(figure.table, lane, {name, whole(parts[part]), "measured"});
    }
    figure.caption.push_back(
        fmt::format("{}: the bars add up to {} a step, the median of {}, behind {} positions.", lane.title,
                    model::millisecondsText(lane.measurement.stepMs), lane.measurement.stepCount,
                    model::groupDigits(static_cast<std::int64_t>(std::llround(lane.measurement.positions)))));
  }
  figure.content = std::move(plot);
  return figure;
}

Figure rooflineFigure(const std::vector<FigureLane>& lanes, const model::DeviceCeilings& ceilings) {
  Figure figure{.title = kRooflineTitle, .caption = {meaningOf(LaneChart::Roofline)}};
  figure.table.columns = columns({"stage", "flops", "issued_bytes", "ms", "flops_per_byte", "gflop_per_s",
                                  "memory_gb_per_s", "caches_gb_per_s", "fma_gflop_per_s"});
  const bool isKnown = ceilings.known();
  figure.caption.push_back(
      isKnown ? fmt::format("Lines: measured on {} by probes, {}.", ceilings.device, ceilings.date)
              : std::string("The device's ceilings are not measured."));
  std::vector<std::vector<analysis::RooflinePoint>> points;
  std::vector<analysis::RooflinePoint> all;
  for (const FigureLane& lane : lanes) {
    points.push_back(analysis::rooflinePoints(lane.measurement));
    all.insert(all.end(), points.back().begin(), points.back().end());
    if (points.back().empty()) figure.caption.push_back(lane.title + ": nobody counted its bytes.");
  }
  requireCounted(all);
  const analysis::RooflineRange range = analysis::rooflineRange(all, ceilings);
  LinePlot plot{
      .x = {.label = kIntensityLabel, .low = range.left, .high = range.right, .isLogarithmic = true},
      .y = {.label = kFlopsLabel, .low = range.bottom, .high = range.top, .isLogarithmic = true}};
  plot.series = roofLines(ceilings, range, kRoofColor);
  for (std::size_t index = 0; index < lanes.size(); ++index) {
    const FigureLane& lane = lanes[index];
    plot.series.push_back({.name = lane.title, .color = lane.color});
    for (const analysis::RooflinePoint& point : points[index]) {
      plot.series.push_back({.name = "",
                             .color = lane.color,
                             .stroke = Stroke::None,
                             .mark = stageMark(point.stage),
                             .points = {{point.intensity(), point.gigaflopsPerSecond()}}});
      addRow(figure.table, lane,
             {std::string(stageName(point.stage)), whole(point.flops), whole(point.issuedBytes),
              whole(point.milliseconds), whole(point.intensity()), whole(point.gigaflopsPerSecond()),
              isKnown ? whole(ceilings.memoryRead()) : "", isKnown ? whole(ceilings.fastestRead()) : "",
              isKnown ? whole(ceilings.fmaGflops) : ""});
    }
  }
  for (int stage = 0; stage < model::kStageCount; ++stage) {
    const bool isThere = std::ranges::any_of(all, [&](const analysis::RooflinePoint& point) {
      return point.stage == static_cast<model::Stage>(stage);
    });
    if (!isThere) continue;
    const auto at = static_cast<std::size_t>(stage);
    plot.series.push_back({.name = analysis::kStepPartNames[at],
                           .color = kRoofColor,
                           .stroke = Stroke::None,
                           .mark = stageMark(static_cast<model::Stage>(stage)),
                           .points = {}});
  }
  figure.content = std::move(plot);
  return figure;
}

Figure geometryFigure(const std::vector<FigureLane>& lanes) {
  constexpr std::size_t kProjections = 4;  // W_Q, W_K, W_V, W_O
  Figure figure{.title = "Attention matrices of one layer, to one scale",
                .caption = {meaningOf(LaneChart::Geometry)}};
  figure.table.columns =
      columns({"matrix", "gives", "takes", "parameters", "count", "parameters_of_all", "kind"});
  WeightDrawing drawing;
  for (const FigureLane& lane : lanes) {
    if (lane.parameterCount == 0) {
      throw model::Error(lane.title + " has no weights, expected a model and no recording");
    }
    const analysis::WeightGeometry geometry =
        analysis::weightGeometry(lane.config, lane.output, lane.parameterCount);
    WeightDrawing::Lane drawn{
        .name = lane.title,
        .facts = fmt::format("{}, one of {} layers. {}", headsText(lane.config.attention),
                             lane.config.layerCount, geometry.attentionShareText()),
        .color = lane.color,
        .headDim = lane.config.attention.headDim,
        .matrices = {geometry.layer.begin(), geometry.layer.begin() + kProjections}};
    for (const analysis::WeightMatrix& matrix : geometry.matrices()) {
      addRow(figure.table, lane,
             {std::string(matrix.symbol), whole(matrix.rows), whole(matrix.columns),
              whole(matrix.parameters()), whole(matrix.count), whole(matrix.parametersOfAll()), "computed"});
    }
    drawing.lanes.push_back(std::move(drawn));
  }
  figure.content = std::move(drawing);
  return figure;
}

Figure figureOf(LaneChart chart, const std::vector<FigureLane>& lanes,
                const model::DeviceCeilings& ceilings) {
  switch (chart) {
    case LaneChart::Growth:
      return growthFigure(lanes);
    case LaneChart::Traffic:
      return trafficFigure(lanes);
    case LaneChart::Stages:
      return stagesFigure(lanes);
    case LaneChart::Roofline:
      return rooflineFigure(lanes, ceilings);
    case LaneChart::Geometry:
      return geometryFigure(lanes);
  }
  return {};
}

}  // namespace

std::vector<std::string> lanesCaption(const std::vector<FigureLane>& lanes, const std::string& date) {
  std::vector<std::string> caption;
  std::vector<std::string> devices;
  for (const FigureLane& lane : lanes) {
    caption.push_back(fmt::format(
        "{}: {}, {} {}, {} layers, context {}, batch {}, {} cache, {} kernel{}", lane.title, lane.config.name,
        shortName(lane.config.attention.kind()), headsText(lane.config.attention), lane.config.layerCount,
        model::groupDigits(lane.contextLength), lane.options.batch, shortName(lane.options.kvType),
        shortName(lane.options.attention), lane.note.empty() ? "." : ". " + lane.note));
    if (std::ranges::find(devices, lane.device) == devices.end()) devices.push_back(lane.device);
  }
  caption.push_back(fmt::format("Device: {}. {}.", fmt::join(devices, "; "), date));
  return caption;
}

Figure laneFigure(LaneChart chart, const std::vector<FigureLane>& lanes,
                  const model::DeviceCeilings& ceilings, const std::string& date) {
  if (lanes.empty()) throw model::Error("There is no lane to show, expected at least one");
  Figure figure = figureOf(chart, lanes, ceilings);
  const std::vector<std::string> common = lanesCaption(lanes, date);
  figure.caption.insert(figure.caption.end(), common.begin(), common.end());
  return figure;
}

}  // namespace headroom::figures
