#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/figures/figure.h"
#include "core/analysis/byte_curves.h"
#include "core/analysis/lane_measurement.h"
#include "core/model/device_ceilings.h"

namespace headroom::figures {

/// What figures are made of: one lane, its decode so far. Plain values.
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
  std::vector<analysis::BytesAt> cache;    ///< counted, after each step
  std::vector<analysis::BytesAt> traffic;  ///< counted, of each decode step; empty where nobody counts
  analysis::LaneMeasurement measurement;
};

/// The charts that show lanes side by side.
enum class LaneChart { Growth, Traffic, Stages, Roofline, Geometry };

/// The figure of a chart. `date` is when it was decoded; the ceilings are a roofline's alone, and may be
/// unknown. Throws model::Error when no lane has what it shows: growth needs a step, traffic and roofline
/// decode steps whose bytes were counted, stages decode steps, geometry a model's weights.
Figure laneFigure(LaneChart chart, const std::vector<FigureLane>& lanes,
                  const model::DeviceCeilings& ceilings, const std::string& date);

/// What every figure says of its lanes: how each decodes, on which device, and when.
std::vector<std::string> lanesCaption(const std::vector<FigureLane>& lanes, const std::string& date);

}  // namespace headroom::figures
