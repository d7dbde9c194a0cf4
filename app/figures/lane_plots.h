#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/figures/figure.h"
#include "core/analysis/byte_curves.h"
#include "core/analysis/lane_measurement.h"
#include "core/analysis/roofline.h"
#include "core/analysis/traffic_summary.h"
#include "core/analysis/weight_geometry.h"
#include "core/model/device_ceilings.h"

namespace headroom::figures {

inline constexpr const char* kRooflineTitle = "Roofline: GFLOP/s reached over FLOPs per issued byte";
inline constexpr const char* kIntensityLabel = "FLOPs per issued byte";
inline constexpr const char* kFlopsLabel = "GFLOP/s";

/// What plots and figures are made of: one lane, its decode so far. Plain values.
struct FigureLane {
  std::string title;  ///< "MHA \u00d78 f16"
  analysis::Color color;
  model::ModelConfig config;
  model::DecoderOptions options;
  int contextLength = 0;  ///< positions of its cache
  std::string device;
  std::string note;  ///< of the decoder: what belongs beside its numbers
  analysis::OutputProjection output = analysis::OutputProjection::Tied;
  std::uint64_t parameterCount = 0;
  bool holdsCache = true;                  ///< a trace holds none: what it would take is computed
  std::vector<analysis::BytesAt> cache;    ///< after each step, counted where there is one
  std::vector<analysis::BytesAt> traffic;  ///< counted, of each decode step; empty where nobody counts
  analysis::LaneMeasurement measurement;
};

// What the window's charts and exported figures both draw and say.

/// The charts that show lanes side by side.
enum class LaneChart { Growth, Traffic, Stages, Roofline, Geometry };

/// What a chart shows, and what of it was measured, counted or computed.
std::string meaningOf(LaneChart chart);

/// How the lane's cache fills up to its limit.
analysis::CacheGrowth growthOf(const FigureLane& lane);

/// KV cache over positions, in the unit of the largest: of each lane a solid series, as cache is, then a
/// dashed one without a name, computed, from there to the context limit.
LinePlot growthPlot(const std::vector<FigureLane>& lanes);

/// Issued bytes of each decode step over its position: a series of each lane, empty where nobody counts. The
/// axis of positions ends with what was counted.
LinePlot trafficPlot(const std::vector<FigureLane>& lanes);

/// How a stage's points are marked.
Mark stageMark(model::Stage stage);

/// The lines of a roofline diagram by their names: the slopes from the left up to the ridge, the first of
/// them solid, further ones dashed; arithmetic level and dotted. None where the ceilings are not known.
std::vector<Series> roofLines(const model::DeviceCeilings& ceilings, const analysis::RooflineRange& range,
                              analysis::Color color);

}  // namespace headroom::figures
