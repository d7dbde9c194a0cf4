#include "core/analysis/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/analysis/quantity.h"
#include "core/analysis/roofline.h"

namespace headroom::analysis {

namespace {

using model::Stage;

/// How far the copy curve stands above its memory end where a working set counts as cached.
constexpr double kCachedCopy = 1.25;

bool comparable(const LaneMeasurement& a, const LaneMeasurement& b) {
  const model::AttentionShape& x = a.config.attention;
  const model::AttentionShape& y = b.config.attention;
  return b.measured() && b.ranOnDevice() && a.config.layerCount == b.config.layerCount &&
         x.queryHeadCount == y.queryHeadCount && x.headDim == y.headDim &&
         a.options.kvType == b.options.kvType && a.options.batch == b.options.batch &&
         a.options.attention == b.options.attention;
}

/// Smallest number with two digits that count and not below `value`.
int roundUpToTwoDigits(double value) {
  const double unit = std::pow(10.0, std::max(0.0, std::floor(std::log10(std::max(value, 1.0))) - 1.0));
  return static_cast<int>(std::ceil(value / unit - 1e-9) * unit);
}

/// What two layouts cost, and which of them run as lanes.
struct Comparison {
  const LaneMeasurement* judged = nullptr;
  const LaneMeasurement* other = nullptr;  ///< null: computed
  int wideKvHeads = 0;
  int narrowKvHeads = 0;
};

Comparison chooseComparison(std::span<const LaneMeasurement> lanes, int judged) {
  const LaneMeasurement& lane = lanes[static_cast<std::size_t>(judged)];
  const model::AttentionShape& heads = lane.config.attention;
  Comparison chosen{.judged = &lane, .wideKvHeads = heads.kvHeadCount, .narrowKvHeads = heads.kvHeadCount};
  for (const LaneMeasurement& other : lanes) {
    if (!comparable(lane, other) || other.config.attention.kvHeadCount >= chosen.narrowKvHeads) continue;
    chosen.other = &other;
    chosen.narrowKvHeads = other.config.attention.kvHeadCount;
  }
  if (chosen.other) return chosen;
  if (heads.kvHeadCount > 1) {
    chosen.narrowKvHeads = 1;
  } else {
    chosen.wideKvHeads = heads.queryHeadCount;
  }
  return chosen;
}

double bytesRatio(const Comparison& chosen) {
  const auto read = static_cast<double>(bytesRead(chosen.judged->recent.logical));
  const double own = chosen.judged->perStep(read);
  if (chosen.other)
    return own / chosen.other->perStep(static_cast<double>(bytesRead(chosen.other->recent.logical)));
  const double kv = chosen.judged->perStep(static_cast<double>(chosen.judged->recent.logical.kvRead));
  const double perHead = kv / chosen.judged->config.attention.kvHeadCount;
  const double rest = own - kv;
  return (rest + perHead * chosen.wideKvHeads) / (rest + perHead * chosen.narrowKvHeads);
}

std::optional<Outlook> outlookOf(const Comparison& chosen, const model::DeviceCeilings& ceilings,
                                 const Reach& reach) {
  const LaneMeasurement& lane = *chosen.judged;
  const std::optional<StepCost> own = stepCost(lane, ceilings);
  const std::optional<StepCost> measured =
      chosen.other ? stepCost(*chosen.other, ceilings) : std::optional<StepCost>();
  if (!own || chosen.wideKvHeads == chosen.narrowKvHeads) return std::nullopt;
  const bool judgedIsWide = lane.config.attention.kvHeadCount == chosen.wideKvHeads;
  StepCost wide = judgedIsWide ? *own : withKvHeads(*own, lane, chosen.wideKvHeads, ceilings);
  StepCost narrow = measured       ? *measured
                    : judgedIsWide ? withKvHeads(*own, lane, chosen.narrowKvHeads, ceilings)
                                   : *own;
  const bool allMeasured = measured && own->basis == Basis::Measured && measured->basis == Basis::Measured;

  // A measured slope beside a computed one would compare two different things.
  if (measured && !allMeasured)
    narrow.perCellMs = withKvHeads(*own, lane, chosen.narrowKvHeads, ceilings).perCellMs;

  // Sharing changes what attention costs. The rest is the same work in both, so where two lanes measured it
  // differently (one of them ran while the window was drawn), the undisturbed one counts for both.
  const auto rest = [&](const StepCost& cost) { return cost.milliseconds(lane.options.batch, 0.0); };
  const StepCost undisturbed = rest(wide) < rest(narrow) ? wide : narrow;
  wide.fixedMs = narrow.fixedMs = undisturbed.fixedMs;
  wide.perSequenceMs = narrow.perSequenceMs = undisturbed.perSequenceMs;

  const OperatingPoint now{.batch = lane.options.batch,
                           .positions = static_cast<int>(std::lround(lane.positions))};
  model::AttentionShape narrowHeads = lane.config.attention;
  narrowHeads.kvHeadCount = chosen.narrowKvHeads;
  model::ModelConfig wideConfig = lane.config;
  wideConfig.attention.kvHeadCount = chosen.wideKvHeads;
  Outlook outlook{.wideKvHeads = chosen.wideKvHeads,
                  .narrowKvHeads = chosen.narrowKvHeads,
                  .narrowKind = narrowHeads.kind(),
                  .basis = allMeasured ? Basis::Measured : Basis::Computed,
                  .bytesRatio = bytesRatio(chosen)};
  outlook.speedup =
      wide.milliseconds(now.batch, now.positions) / narrow.milliseconds(now.batch, now.positions);
  outlook.limit = narrow.perCellMs > 0.0 ? wide.perCellMs / narrow.perCellMs : 1.0;
  const Surroundings around{.now = now,
                            .modelContext = lane.config.contextLength,
                            .bytesPerPosition = model::kvCacheBytes(wideConfig, lane.options.kvType, 1)};
  for (std::size_t goal = 0; goal < kGoals.size(); ++goal) {
    outlook.reached[goal] = pointWhere(kGoals[goal], wide, narrow, around, reach);
  }
  return outlook;
}

std::string milliseconds(double part, double whole) {
  return fmt::format("{} of {}", fixedText(part, 2), millisecondsText(whole));
}

/// "12.0 GB/s, 54 % of the copy probe".
std::string rate(double bytes, double ms, double ceiling) {
  const double reached = gigaPerSecond(bytes, ms);
  return fmt::format("{} GB/s, {:.0f} % of the copy probe", fixedText(reached, 1),
                     percentOf(reached, ceiling));
}

std::string boundSentence(Bound bound, const LaneMeasurement& lane, const model::DeviceCeilings& ceilings) {
  const double wall = lane.wallMs();
  const double kvPercent = 100.0 * lane.recent.kvShareOfReads();
  const std::string kvShare =
      fmt::format("KV is {:.{}f} % of what a step reads", kvPercent, kvPercent < 9.95 ? 1 : 0);
  if (bound == Bound::Unknown) {
    if (!lane.ranOnDevice())
      return kvShare + "; it runs on the processor, which no ceilings were measured of.";
    if (!lane.hasTimeStamps())
      return kvShare + "; this device has no time stamps, so what limits it is not known.";
    return kvShare + "; what limits it shows once this device's ceilings are measured.";
  }
  const TimeShares shares = timeShares(lane, ceilings);
  const auto mean = [&](std::uint64_t sum) { return lane.perStep(static_cast<double>(sum)); };
  const double copy = ceilings.copyAt(lane.workingSetBytes());
  const std::string name(boundName(bound));
  switch (bound) {
    case Bound::Launch:
      return fmt::format("{}: {} dispatches and the overhead around them take {}; {}.", name,
                         static_cast<int>(std::lround(lane.perStep(lane.recent.dispatchCount))),
                         milliseconds(shares.launchMs, wall), kvShare);
    case Bound::Weights: {
      const double bytes = mean(lane.recent.logical.weightsRead);
      return fmt::format("{}: reading {} of weights takes {} ({}); {}.", name, bytesText(bytes),
                         milliseconds(shares.weightMs, wall), rate(bytes, shares.weightMs, copy), kvShare);
    }
    case Bound::Kv: {
      const double bytes = mean(lane.recent.issued.kvRead);
      return fmt::format("{}: loading {} of keys and values takes {} ({}); {}.", name, bytesText(bytes),
                         milliseconds(shares.kvMs, wall), rate(bytes, shares.kvMs, copy), kvShare);
    }
    case Bound::Compute: {
      const double flops = stepFlops(lane.config, {.batch = lane.options.batch, .positions = lane.positions});
      const double reached = gigaPerSecond(flops, shares.computeMs);
      if (reached < kExplained * ceilings.fmaGflops) {
        const double implied = gigaPerSecond(shares.computeBytes, shares.computeMs);
        return fmt::format(
            "{}: the kernels' instructions take {}, at {:.0f} % of the FMA probe and {:.0f} % of the copy "
            "probe, so "
            "neither arithmetic nor memory is the limit; {}.",
            name, milliseconds(shares.computeMs, wall), percentOf(reached, ceilings.fmaGflops),
            percentOf(implied, copy), kvShare);
      }
      return fmt::format("{}: {} GFLOP take {} ({} GFLOP/s, {:.0f} % of the FMA probe); {}.", name,
                         fixedText(flops * 1e-9, flops < 1e10 ? 2 : 0), milliseconds(shares.computeMs, wall),
                         fixedText(reached, 0), percentOf(reached, ceilings.fmaGflops), kvShare);
    }
    case Bound::CacheResident:
      return fmt::format(
          "{}: the {} that a step reads stay in the device's caches and come at {} GB/s, {}\u00d7 what "
          "memory "
          "copies; {}.",
          name, bytesText(static_cast<double>(lane.workingSetBytes())),
          fixedText(lane.recent.impliedGigabytesPerSecond(), 1),
          fixedText(lane.recent.impliedGigabytesPerSecond() / ceilings.memoryCopy(), 1), kvShare);
    case Bound::Unknown:
      break;
  }
  return {};
}

std::string where(const OperatingPoint& point, const OperatingPoint& now) {
  const std::string positions = groupDigits(point.positions) + " positions";
  return point.batch == now.batch ? positions : fmt::format("batch {} with {}", point.batch, positions);
}

std::string outlookText(const Outlook& outlook, const OperatingPoint& now, const Reach& reach) {
  const std::string name(model::shortName(outlook.narrowKind));
  const std::string limit = fixedText(outlook.limit, outlook.limit < 9.95 ? 2 : 0);
  // What was not measured is what the bytes allow: a kernel may fall short of it.
  const bool measured = outlook.basis == Basis::Measured;
  std::string text = fmt::format("{} reads {}\u00d7 less here and {} {}\u00d7 as fast", name,
                                 fixedText(outlook.bytesRatio, 2), measured ? "is" : "would be at most",
                                 fixedText(outlook.speedup, 2));
  const auto& [half, twice] = outlook.reached;
  if (!half && outlook.limit < kGoals[0]) {
    text += fmt::format("; it cannot reach 1.5\u00d7 on this device: its limit is {}\u00d7", limit);
  } else if (twice == std::optional(now)) {
    text += fmt::format("; with nothing but KV to read it would be {}\u00d7", limit);
  } else {
    if (!half) {
      text += fmt::format("; 1.5\u00d7 needs more than batch {} or {} positions", reach.maximumBatch,
                          groupDigits(reach.maximumPositions));
    } else {
      text += measured ? "; it reaches " : "; it could reach ";
      if (half != std::optional(now)) text += "1.5\u00d7 at " + where(*half, now) + (twice ? " and " : "");
      if (twice) text += "2\u00d7 at " + where(*twice, now);
      if (!twice && half == std::optional(now)) text += "1.5\u00d7 already";
    }
    text += fmt::format(", and {}\u00d7 with nothing but KV to read", limit);
  }
  return text + (measured ? " (attention measured in both lanes, the rest taken as equal)."
                          : " (computed from bytes).");
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
  TimeShares shares{.launchMs = lane.perStep(lane.recent.overhead.totalMs())};
  const double copy = ceilings.copyAt(lane.workingSetBytes());
  const StepExtent extent{.batch = lane.options.batch, .positions = lane.positions};
  for (int index = 0; index < model::kStageCount; ++index) {
    const auto at = static_cast<std::size_t>(index);
    const auto stage = static_cast<Stage>(index);
    const double time = lane.perStep(lane.recent.stageTimeMs[at]);
    const double dispatches =
        lane.perStep(lane.recent.stageDispatchCount[at]) * ceilings.emptyDispatchUs * 1e-3;
    const double launch = std::min(time, dispatches);
    shares.launchMs += launch;
    // Attention loads what its kernel issues; the weights come from memory once, however often a kernel asks.
    const bool attention = stage == Stage::AttentionDecode;
    const auto bytes =
        static_cast<double>(attention ? lane.recent.stageIssuedBytes[at] : lane.recent.stageLogicalBytes[at]);
    const double bytesMs = millisecondsOf(lane.perStep(bytes), copy);
    const double flopsMs = millisecondsOf(stageFlops(lane.config, stage, extent), ceilings.fmaGflops);
    const bool memoryBound = bytesMs >= flopsMs && bytesMs >= kExplained * (time - launch);
    double& share = !memoryBound ? shares.computeMs : attention ? shares.kvMs : shares.weightMs;
    share += time - launch;
    if (!memoryBound) shares.computeBytes += lane.perStep(bytes);
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
  const bool cached = ceilings.copyAt(lane.workingSetBytes()) >= kCachedCopy * ceilings.memoryCopy();
  if (cached && lane.recent.impliedGigabytesPerSecond() > ceilings.memoryCopy()) return Bound::CacheResident;
  return shares.kvMs == largest ? Bound::Kv : Bound::Weights;
}

std::optional<OperatingPoint> pointWhere(double goal, const StepCost& wide, const StepCost& narrow,
                                         const Surroundings& around, const Reach& reach) {
  const auto reached = [&](double batch, double positions) {
    return wide.milliseconds(batch, positions) >= goal * narrow.milliseconds(batch, positions);
  };
  const auto fits = [&](double batch, double positions) {
    return batch * positions * static_cast<double>(around.bytesPerPosition) <=
           static_cast<double>(reach.maximumCacheBytes);
  };
  if (reached(around.now.batch, around.now.positions)) return around.now;
  // Room is left to decode in: times need steps.
  const int filled = around.modelContext * 7 / 8;
  for (int batch = 1; batch <= reach.maximumBatch; batch *= 2) {
    const bool further =
        batch > around.now.batch || (batch == around.now.batch && filled > around.now.positions);
    if (further && reached(batch, filled) && fits(batch, filled)) {
      return OperatingPoint{batch, filled};
    }
  }
  // F + B p + B c T: where the difference changes its sign.
  const double batch = around.now.batch;
  const double gained = batch * (wide.perCellMs - goal * narrow.perCellMs);
  if (gained <= 0.0) return std::nullopt;
  const double missing = goal * narrow.milliseconds(batch, 0.0) - wide.milliseconds(batch, 0.0);
  const double positions = missing / gained;
  if (positions > reach.maximumPositions) return std::nullopt;
  const int rounded = roundUpToTwoDigits(positions);
  if (rounded > reach.maximumPositions || !fits(batch, rounded)) return std::nullopt;
  return OperatingPoint{around.now.batch, rounded};
}

Verdict judge(std::span<const LaneMeasurement> lanes, const model::DeviceCeilings& ceilings,
              const Reach& reach) {
  Verdict verdict;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    if (!lanes[lane].measured()) continue;
    // A lane of the device before one of the processor, then the one with more KV heads.
    const auto rank = [&](std::size_t index) {
      return std::pair(lanes[index].ranOnDevice(), lanes[index].config.attention.kvHeadCount);
    };
    const bool better = verdict.lane < 0 || rank(lane) > rank(static_cast<std::size_t>(verdict.lane));
    if (better) verdict.lane = static_cast<int>(lane);
  }
  if (verdict.lane < 0) return verdict;
  const LaneMeasurement& lane = lanes[static_cast<std::size_t>(verdict.lane)];
  verdict.bound = boundOf(lane, ceilings);
  verdict.sentence = boundSentence(verdict.bound, lane, ceilings);
  if (!lane.ranOnDevice()) return verdict;
  verdict.outlook = outlookOf(chooseComparison(lanes, verdict.lane), ceilings, reach);
  if (verdict.outlook) {
    verdict.outlookSentence = outlookText(
        *verdict.outlook,
        {.batch = lane.options.batch, .positions = static_cast<int>(std::lround(lane.positions))}, reach);
  }
  return verdict;
}

}  // namespace headroom::analysis
