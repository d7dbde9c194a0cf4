#include "core/analysis/step_bound.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/analysis/roofline.h"
#include "core/model/quantity.h"

namespace headroom::analysis {

namespace {

using model::bytesText;
using model::fixedText;
using model::millisecondsText;
using model::Stage;

/// How far the read ceiling stands above that of memory where a working set counts as cached.
constexpr double kCached = 1.25;

std::string milliseconds(double part, double whole) {
  return fmt::format("{} of {}", fixedText(part, 2), millisecondsText(whole));
}

/// "12.0 GB/s, 54 % of the read ceiling".
std::string rate(double bytes, double ms, double ceiling) {
  const double reached = gigaPerSecond(bytes, ms);
  return fmt::format("{} GB/s, {}", fixedText(reached, 1),
                     shareOfProbeText(percentOf(reached, ceiling), "read ceiling"));
}

}  // namespace

std::string_view boundName(Bound bound) {
  switch (bound) {
    case Bound::Unknown:
      return "";
    case Bound::Launch:
      return "launch-bound";
    case Bound::Weights:
      return "weight-bound";
    case Bound::Kv:
      return "KV-bound";
    case Bound::Compute:
      return "compute-bound";
    case Bound::CacheResident:
      return "cache-resident";
  }
  return "";
}

TimeShares timeShares(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  TimeShares shares{.launchMs = lane.overhead.totalMs()};
  const double ceiling = ceilings.readAt(lane.workingSetBytes());
  const StepExtent extent{.batch = lane.options.batch, .positions = lane.positions};
  for (int index = 0; index < model::kStageCount; ++index) {
    const auto at = static_cast<std::size_t>(index);
    const auto stage = static_cast<Stage>(index);
    const double time = lane.stageMs[at];
    const double dispatches = lane.stageDispatchCount[at] * ceilings.emptyDispatchUs * 1e-3;
    const double launch = std::min(time, dispatches);
    shares.launchMs += launch;
    // Attention loads what its kernel issues; the weights come from memory once, however often a kernel asks.
    const bool attention = stage == Stage::AttentionDecode;
    const auto bytes =
        static_cast<double>(attention ? lane.stageIssuedBytes[at] : lane.stageLogicalBytes[at]);
    const double bytesMs = millisecondsOf(bytes, ceiling);
    const double flopsMs = millisecondsOf(stageFlops(lane.config, stage, extent), ceilings.fmaGflops);
    const bool memoryBound = bytesMs >= flopsMs && bytesMs >= kExplained * (time - launch);
    double& share = !memoryBound ? shares.computeMs : attention ? shares.kvMs : shares.weightMs;
    share += time - launch;
    if (!memoryBound) shares.computeBytes += bytes;
  }
  return shares;
}

Bound boundOf(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  if (!lane.measured() || !lane.ranOnDevice() || !lane.hasTimeStamps() || !ceilings.known())
    return Bound::Unknown;
  const TimeShares shares = timeShares(lane, ceilings);
  const double largest = std::max({shares.launchMs, shares.weightMs, shares.kvMs, shares.computeMs});
  if (shares.launchMs == largest) return Bound::Launch;
  if (shares.computeMs == largest) return Bound::Compute;
  const bool cached = ceilings.readAt(lane.workingSetBytes()) >= kCached * ceilings.memoryRead();
  if (cached && lane.impliedGBps() > ceilings.memoryRead()) return Bound::CacheResident;
  return shares.kvMs == largest ? Bound::Kv : Bound::Weights;
}

std::string boundSentence(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  const Bound bound = boundOf(lane, ceilings);
  const double wall = lane.stepMs;
  const std::string kvShare =
      fmt::format("KV is {} of the {} bytes that a step reads", model::percentText(lane.kvShareOfReads()),
                  lane.ranOnDevice() ? "issued" : "logical");
  if (bound == Bound::Unknown) {
    if (!lane.ranOnDevice())
      return kvShare + "; it runs on the processor, which no ceilings were measured of.";
    if (!lane.hasTimeStamps())
      return kvShare + "; this device has no time stamps, so what limits it is not known.";
    return kvShare + "; what limits it shows once this device's ceilings are measured.";
  }
  const TimeShares shares = timeShares(lane, ceilings);
  const double ceiling = ceilings.readAt(lane.workingSetBytes());
  const std::string name(boundName(bound));
  switch (bound) {
    case Bound::Launch:
      return fmt::format("{}: {} dispatches and the overhead around them take {}; {}.", name,
                         lane.dispatchCount(), milliseconds(shares.launchMs, wall), kvShare);
    case Bound::Weights: {
      const double bytes = static_cast<double>(lane.logical.weightsRead);
      return fmt::format("{}: reading {} of weights takes {} ({}); {}.", name, bytesText(bytes),
                         milliseconds(shares.weightMs, wall), rate(bytes, shares.weightMs, ceiling), kvShare);
    }
    case Bound::Kv: {
      const double bytes = static_cast<double>(lane.issued.kvRead);
      return fmt::format("{}: loading {} of keys and values takes {} ({}); {}.", name, bytesText(bytes),
                         milliseconds(shares.kvMs, wall), rate(bytes, shares.kvMs, ceiling), kvShare);
    }
    case Bound::Compute: {
      const double flops = stepFlops(lane.config, {.batch = lane.options.batch, .positions = lane.positions});
      const double reached = gigaPerSecond(flops, shares.computeMs);
      if (reached < kExplained * ceilings.fmaGflops) {
        const double implied = gigaPerSecond(shares.computeBytes, shares.computeMs);
        return fmt::format(
            "{}: the kernels' instructions take {}, at {} and {}, so neither arithmetic nor memory is the "
            "limit; {}.",
            name, milliseconds(shares.computeMs, wall),
            shareOfProbeText(percentOf(reached, ceilings.fmaGflops), "FMA probe"),
            shareOfProbeText(percentOf(implied, ceiling), "read ceiling"), kvShare);
      }
      return fmt::format("{}: {} GFLOP take {} ({} GFLOP/s, {}); {}.", name,
                         fixedText(flops * 1e-9, flops < 1e10 ? 2 : 0), milliseconds(shares.computeMs, wall),
                         fixedText(reached, 0),
                         shareOfProbeText(percentOf(reached, ceilings.fmaGflops), "FMA probe"), kvShare);
    }
    case Bound::CacheResident:
      return fmt::format(
          "{}: the {} that a step reads stay in the device's caches and come at {} GB/s, {}\u00d7 what "
          "memory reaches; {}.",
          name, bytesText(static_cast<double>(lane.workingSetBytes())), fixedText(lane.impliedGBps(), 1),
          fixedText(lane.impliedGBps() / ceilings.memoryRead(), 1), kvShare);
    case Bound::Unknown:
      break;
  }
  return {};
}

}  // namespace headroom::analysis
