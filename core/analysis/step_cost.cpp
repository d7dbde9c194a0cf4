#include "core/analysis/step_cost.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/analysis/roofline.h"
#include "core/model/statistics.h"

namespace headroom::analysis {

namespace {

constexpr std::size_t kMostRanges = 16;
constexpr std::size_t kFewestRanges = 4;
constexpr std::size_t kSamplesPerRange = 3;
constexpr double kSmallestSpan = 1.5;
/// Below this many cached positions attention time is mostly latency.
constexpr double kCellsThatShow = 1024.0;

constexpr auto kAttention = static_cast<std::size_t>(model::Stage::AttentionDecode);

double medianMs(std::span<const AttentionSample> samples) {
  std::vector<double> times;
  for (const AttentionSample& sample : samples) times.push_back(sample.milliseconds);
  return model::median(std::move(times));
}

/// Ranges of equally many samples, each as its mean position and median time.
std::vector<AttentionSample> ranges(std::span<const AttentionSample> samples) {
  const std::size_t count = std::min(kMostRanges, samples.size() / kSamplesPerRange);
  std::vector<AttentionSample> result;
  for (std::size_t range = 0; range < count; ++range) {
    const std::size_t from = samples.size() * range / count;
    const std::size_t to = samples.size() * (range + 1) / count;
    const std::span<const AttentionSample> part = samples.subspan(from, to - from);
    double positions = 0.0;
    for (const AttentionSample& sample : part) positions += sample.positions;
    result.push_back({positions / static_cast<double>(part.size()), medianMs(part)});
  }
  return result;
}

double attentionFlopsPerCell(const model::ModelConfig& config) {
  return stageFlops(config, model::Stage::AttentionDecode, {.batch = 1, .positions = 1.0});
}

struct Slope {
  double msPerPosition = 0.0;
  Basis basis = Basis::Measured;
};

std::optional<Slope> slopeOf(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  if (const auto fitted = attentionSlope(lane.attention)) return Slope{*fitted, Basis::Measured};
  if (!ceilings.known() || lane.positions <= 0.0) return std::nullopt;
  if (lane.hasTimeStamps() && lane.options.batch * lane.positions >= kCellsThatShow) {
    const double dispatches =
        lane.perStep(lane.recent.stageDispatchCount[kAttention]) * ceilings.emptyDispatchUs * 1e-3;
    const double beyond = lane.perStep(lane.recent.stageTimeMs[kAttention]) - dispatches;
    if (beyond > 0.0) return Slope{beyond / lane.positions, Basis::Measured};
  }
  const double bytes = lane.perStep(static_cast<double>(lane.recent.issued.kvRead)) / lane.positions;
  return Slope{millisecondsOf(bytes, ceilings.copyAt(lane.workingSetBytes())), Basis::Computed};
}

}  // namespace

std::optional<double> attentionSlope(std::span<const AttentionSample> samples) {
  const std::vector<AttentionSample> points = ranges(samples);
  if (points.size() < kFewestRanges) return std::nullopt;
  if (points.back().positions < kSmallestSpan * points.front().positions) return std::nullopt;
  const auto count = static_cast<double>(points.size());
  double meanX = 0.0;
  double meanY = 0.0;
  for (const AttentionSample& point : points) {
    meanX += point.positions / count;
    meanY += point.milliseconds / count;
  }
  double xx = 0.0;
  double xy = 0.0;
  for (const AttentionSample& point : points) {
    xx += (point.positions - meanX) * (point.positions - meanX);
    xy += (point.positions - meanX) * (point.milliseconds - meanY);
  }
  const double slope = xy / xx;
  double residuals = 0.0;
  for (const AttentionSample& point : points) {
    const double residual = point.milliseconds - meanY - slope * (point.positions - meanX);
    residuals += residual * residual;
  }
  const double standardError = std::sqrt(residuals / (count - 2.0) / xx);
  return slope > 3.0 * standardError && slope > 0.0 ? std::optional(slope) : std::nullopt;
}

std::optional<StepCost> stepCost(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  if (!lane.measured()) return std::nullopt;
  const std::optional<Slope> slope = slopeOf(lane, ceilings);
  if (!slope) return std::nullopt;
  const double batch = lane.options.batch;
  const double rest = std::max(0.0, lane.wallMs() - slope->msPerPosition * lane.positions);

  double explained = lane.perStep(lane.recent.overhead.totalMs());
  if (ceilings.known()) {
    const double weightBytes = lane.perStep(static_cast<double>(lane.recent.logical.weightsRead));
    explained += lane.perStep(lane.recent.dispatchCount) * ceilings.emptyDispatchUs * 1e-3 +
                 millisecondsOf(weightBytes, ceilings.copyAt(lane.workingSetBytes()));
  }
  const double flops = stepFlops(lane.config, {.batch = 1, .positions = 0.0});
  StepCost cost{.perCellMs = slope->msPerPosition / batch, .basis = slope->basis};
  cost.perSequenceMs =
      std::max((rest - std::min(rest, explained)) / batch, millisecondsOf(flops, ceilings.fmaGflops));
  cost.fixedMs = std::max(0.0, rest - batch * cost.perSequenceMs);
  return cost;
}

StepCost withKvHeads(const StepCost& cost, const LaneMeasurement& lane, int kvHeadCount,
                     const model::DeviceCeilings& ceilings) {
  StepCost other = cost;
  other.basis = Basis::Computed;
  if (lane.options.attention == model::AttentionKernel::Naive) return other;
  const double ratio = static_cast<double>(kvHeadCount) / lane.config.attention.kvHeadCount;
  const double floor = millisecondsOf(attentionFlopsPerCell(lane.config), ceilings.fmaGflops);
  const double cells = lane.options.batch * lane.positions;
  const double copy = ceilings.copyAt(lane.workingSetBytes());
  const double bytes = lane.perStep(static_cast<double>(lane.recent.issued.kvRead));
  const double bytesMs = cells > 0.0 && copy > 0.0 ? millisecondsOf(bytes / cells, copy) : cost.perCellMs;
  const bool memoryBound = bytesMs >= kExplained * cost.perCellMs;
  other.perCellMs =
      std::max(memoryBound ? cost.perCellMs * ratio : cost.perCellMs + bytesMs * (ratio - 1.0), floor);
  // A probe taken on a busy machine may lie below what the lane itself reaches.
  if (ratio < 1.0) other.perCellMs = std::min(other.perCellMs, cost.perCellMs);
  return other;
}

}  // namespace headroom::analysis
