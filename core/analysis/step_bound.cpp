#include "core/analysis/step_bound.h"

#include <algorithm>

#include "core/analysis/roofline.h"
#include "core/model/quantity.h"
#include "core/text/phrases.h"

namespace headroom::analysis {

namespace {

using model::bytesText;
using model::fixedText;
using model::millisecondsText;
using model::SentenceId;
using model::Stage;
using text::inWords;

std::string milliseconds(double part, double whole) {
  return inWords<SentenceId::BoundPartOfStep>(fixedText(part, 2), millisecondsText(whole));
}

std::string ofReading(double reached, double ceiling) {
  return shareOfReadText(percentOf(reached, ceiling));
}

std::string ofArithmetic(double reached, const model::DeviceCeilings& ceilings) {
  return shareOfProbeText(percentOf(reached, ceilings.fmaGflops), inWords<SentenceId::ProbeFma>());
}

/// "12.0 GB/s, 54 % of the read ceiling".
std::string rate(double bytes, double ms, double ceiling) {
  const double reached = gigaPerSecond(bytes, ms);
  return inWords<SentenceId::BoundRate>(fixedText(reached, 1), ofReading(reached, ceiling));
}

/// "KV is 12 % of the issued bytes that a step reads".
std::string kvShareText(const LaneMeasurement& lane) {
  const std::string share = model::percentText(lane.kvShareOfReads());
  return lane.ranOnDevice() ? inWords<SentenceId::BoundIssuedShare>(share)
                            : inWords<SentenceId::BoundLogicalShare>(share);
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
    case Bound::Instructions:
      return "instruction-bound";
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
    const double flops = stageFlops(lane.config, stage, extent);
    const double flopsMs = millisecondsOf(flops, ceilings.fmaGflops);
    const bool memoryBound = bytesMs >= flopsMs && bytesMs >= kExplained * (time - launch);
    double& share = !memoryBound ? shares.computeMs : attention ? shares.kvMs : shares.weightMs;
    share += time - launch;
    if (!memoryBound) shares.computeFlops += flops;
  }
  return shares;
}

Bound boundOf(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  if (!lane.measured() || !lane.ranOnDevice() || !lane.hasTimeStamps() || !ceilings.known())
    return Bound::Unknown;
  const TimeShares shares = timeShares(lane, ceilings);
  const double largest = std::max({shares.launchMs, shares.weightMs, shares.kvMs, shares.computeMs});
  if (shares.launchMs == largest) return Bound::Launch;
  if (shares.computeMs == largest) {
    const double reached = gigaPerSecond(shares.computeFlops, shares.computeMs);
    return reached < kExplained * ceilings.fmaGflops ? Bound::Instructions : Bound::Compute;
  }
  const bool cached = ceilings.readAt(lane.workingSetBytes()) >= kCached * ceilings.memoryRead();
  if (cached && lane.impliedGBps() > ceilings.memoryRead()) return Bound::CacheResident;
  return shares.kvMs == largest ? Bound::Kv : Bound::Weights;
}

std::string boundSentence(const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  const Bound bound = boundOf(lane, ceilings);
  const double wall = lane.stepMs;
  const std::string kvShare = kvShareText(lane);
  if (bound == Bound::Unknown) {
    if (!lane.ranOnDevice()) return inWords<SentenceId::BoundProcessor>(kvShare);
    if (!lane.hasTimeStamps()) return inWords<SentenceId::BoundNoTimeStamps>(kvShare);
    return inWords<SentenceId::BoundNoCeilings>(kvShare);
  }
  const TimeShares shares = timeShares(lane, ceilings);
  const double ceiling = ceilings.readAt(lane.workingSetBytes());
  const std::string name(boundName(bound));
  switch (bound) {
    case Bound::Launch:
      return inWords<SentenceId::BoundLaunch>(name, std::to_string(lane.dispatchCount()),
                                              milliseconds(shares.launchMs, wall), kvShare);
    case Bound::Weights: {
      const double bytes = static_cast<double>(lane.logical.weightsRead);
      return inWords<SentenceId::BoundWeights>(name, bytesText(bytes), milliseconds(shares.weightMs, wall),
                                               rate(bytes, shares.weightMs, ceiling), kvShare);
    }
    case Bound::Kv: {
      const double bytes = static_cast<double>(lane.issued.kvRead);
      return inWords<SentenceId::BoundKv>(name, bytesText(bytes), milliseconds(shares.kvMs, wall),
                                          rate(bytes, shares.kvMs, ceiling), kvShare);
    }
    case Bound::Instructions:
      return inWords<SentenceId::BoundInstructions>(
          name, milliseconds(shares.computeMs, wall),
          ofArithmetic(gigaPerSecond(shares.computeFlops, shares.computeMs), ceilings),
          ofReading(lane.impliedGBps(), ceiling), kvShare);
    case Bound::Compute: {
      const double flops = shares.computeFlops;
      const double reached = gigaPerSecond(flops, shares.computeMs);
      return inWords<SentenceId::BoundArithmetic>(name, fixedText(flops * 1e-9, flops < 1e10 ? 2 : 0),
                                                  milliseconds(shares.computeMs, wall), fixedText(reached, 0),
                                                  ofArithmetic(reached, ceilings), kvShare);
    }
    case Bound::CacheResident:
      return inWords<SentenceId::BoundCacheResident>(
          name, bytesText(static_cast<double>(lane.workingSetBytes())), fixedText(lane.impliedGBps(), 1),
          fixedText(lane.impliedGBps() / ceilings.memoryRead(), 1), kvShare);
    case Bound::Unknown:
      break;
  }
  return {};
}

}  // namespace headroom::analysis
