#include "core/analysis/roofline.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/model/quantity.h"

namespace headroom::analysis {

namespace {
/// How far the caches stand above memory where they are worth a line of their own.
constexpr double kCachesApart = 1.1;
}  // namespace

double seenPositions(const model::ModelConfig& config, double positions) {
  double sum = 0.0;
  for (int layer = 0; layer < config.layerCount; ++layer) {
    const int window = config.windowOf(layer);
    sum += window > 0 ? std::min(positions, static_cast<double>(window)) : positions;
  }
  return sum;
}

double stageFlops(const model::ModelConfig& config, model::Stage stage, StepExtent extent) {
  const double d = config.modelDim;
  const double queries = config.attention.queryDim();
  const double keys = config.attention.kvDim();
  const double f = config.ffnDim;
  const double perLayer = static_cast<double>(extent.batch) * config.layerCount;
  const double upMatrices = config.traits.feedForward == model::FeedForward::Gated ? 2.0 : 1.0;
  switch (stage) {
    case model::Stage::Embedding:
      return 0.0;
    case model::Stage::QkvProjection:
      return perLayer * 2.0 * d * (queries + 2.0 * keys);
    case model::Stage::AttentionDecode:
      return extent.batch * 4.0 * queries * seenPositions(config, extent.positions);
    case model::Stage::AttentionOutput:
      return perLayer * 2.0 * queries * d;
    case model::Stage::FfnGateUp:
      return perLayer * 2.0 * upMatrices * d * f;
    case model::Stage::FfnDown:
      return perLayer * 2.0 * f * d;
    case model::Stage::Logits:
      return extent.batch * 2.0 * d * config.vocabSize;
  }
  return 0.0;
}

std::vector<RooflinePoint> rooflinePoints(const LaneMeasurement& lane) {
  std::vector<RooflinePoint> points;
  const StepExtent extent{.batch = lane.options.batch, .positions = lane.positions};
  for (int index = 0; index < model::kStageCount; ++index) {
    const auto at = static_cast<std::size_t>(index);
    const auto stage = static_cast<model::Stage>(index);
    const RooflinePoint point{.stage = stage,
                              .flops = stageFlops(lane.config, stage, extent),
                              .issuedBytes = static_cast<double>(lane.stageIssuedBytes[at]),
                              .milliseconds = lane.stageMs[at]};
    if (point.flops > 0.0 && point.issuedBytes > 0.0 && point.milliseconds > 0.0) points.push_back(point);
  }
  return points;
}

RooflineRange rooflineRange(std::span<const RooflinePoint> points, const model::DeviceCeilings& ceilings) {
  constexpr double kRoom = 1.6;
  RooflineRange range;
  if (!points.empty()) range.bottom = points.front().gigaflopsPerSecond();
  for (const RooflinePoint& point : points) {
    range.left = std::min(range.left, point.intensity() / kRoom);
    range.right = std::max(range.right, point.intensity() * kRoom);
    range.bottom = std::min(range.bottom, point.gigaflopsPerSecond() / kRoom);
    range.top = std::max(range.top, point.gigaflopsPerSecond() * kRoom);
  }
  if (ceilings.known()) {
    range.right = std::max(range.right, 2.0 * ceilings.fmaGflops / ceilings.memoryRead());
    range.top = std::max(range.top, 2.2 * ceilings.fmaGflops);
  }
  return range;
}

std::vector<Roof> roofs(const model::DeviceCeilings& ceilings) {
  if (!ceilings.known()) return {};
  const auto named = [](const char* what, double rate, const char* unit) {
    return fmt::format("{} {} {}", what, model::shortText(rate), unit);
  };
  const double memory = ceilings.memoryRead();
  const double caches = ceilings.fastestRead();
  std::vector<Roof> list{{named("memory", memory, "GB/s"), memory}};
  if (caches > kCachesApart * memory) list.push_back({named("caches", caches, "GB/s"), caches});
  list.push_back({named("FMA", ceilings.fmaGflops, "GFLOP/s"), 0.0});
  return list;
}

double attainableGflops(double intensity, double gigabytesPerSecond, double fmaGflops) {
  return std::min(fmaGflops, intensity * gigabytesPerSecond);
}

}  // namespace headroom::analysis
