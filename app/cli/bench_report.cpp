#include "app/cli/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "app/cli/report_parts.h"
#include "core/analysis/rates.h"
#include "core/analysis/speed_view.h"
#include "core/analysis/step_bound.h"
#include "core/model/csv.h"
#include "core/model/quantity.h"

namespace headroom::cli {

namespace {

using nlohmann::ordered_json;

ordered_json document(const Spread& spread) {
  return {{"median", spread.median}, {"min", spread.minimum}, {"max", spread.maximum}};
}

/// The classes of traffic, and their sum.
std::vector<std::pair<std::string_view, std::uint64_t>> classesOf(const model::Traffic& traffic) {
  auto classes = namedClasses(traffic);
  classes.emplace_back("total", traffic.total());
  return classes;
}

ordered_json document(const model::Traffic& traffic) {
  ordered_json classes = trafficDocument(traffic);
  classes["total"] = traffic.total();
  return classes;
}

std::string percentText(double percent) {
  return percent > 0.0 ? analysis::percentOfProbeText(percent) : kUnknown;
}

ordered_json possibleShare(double percent) {
  return analysis::isImpossibleShare(percent) ? ordered_json() : knownRate(percent);
}

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) * 1e-6;
}

/// What a timed step hands back of its logits.
std::string_view logitsText(const BenchResult& result) {
  if (result.options.ahead) return "nothing, its most likely token is fed on the device";
  const bool isSummary = result.options.logits.form == model::LogitsRequest::Form::Summary;
  return isSummary ? "its most likely token, chosen on the device" : "all logits";
}

std::string header(const BenchResult& result) {
  return fmt::format(
      "{}, {}, {}\n{} rounds in shuffled order (seed {}), medians; a step hands back {}; read ceiling "
      "of this run: {:.1f} GB/s in the caches, {:.1f} GB/s in memory\n",
      result.device, result.driver, result.date, result.options.rounds, result.options.seed,
      logitsText(result), result.ceilings.fastestRead(), result.ceilings.memoryRead());
}

std::string stageTable(const BenchResult& result) {
  std::string text = fmt::format("\nms per step{:>27}", "");
  for (int stage = 0; stage < model::kStageCount; ++stage) {
    text += fmt::format("{:>17}", stageName(static_cast<model::Stage>(stage)));
  }
  text += fmt::format("{:>17}{:>11}\n", "outside stages", "timed step");
  for (const BenchRow& row : result.rows) {
    text += fmt::format("{:<24}{:>8}{:>6}", result.modelOf(row).name, row.setting.context, row.setting.batch);
    for (double ms : row.measurement.stageMs) text += fmt::format("{:>17.3f}", ms);
    text += fmt::format("{:>17.3f}{:>11.3f}\n", row.measurement.overhead.totalMs(),
                        row.timedMeasurement().stepMs);
  }
  return text;
}

/// Of each group the layouts with the most KV heads, one of each shape: what limits their steps.
std::vector<const BenchRow*> judgedRows(const BenchResult& result) {
  std::vector<const BenchRow*> judged;
  for (const BenchRow& row : result.rows) {
    const model::ModelConfig& config = row.measurement.config;
    const auto isBefore = [&](const BenchRow& other) {
      const model::ModelConfig& others = other.measurement.config;
      const int more = others.attention.kvHeadCount - config.attention.kvHeadCount;
      return other.setting.sameGroup(row.setting) && (more > 0 || (more == 0 && &other < &row)) &&
             analysis::sameShape(others.layerCount, others.attention, config.layerCount, config.attention);
    };
    if (std::ranges::none_of(result.rows, isBefore)) judged.push_back(&row);
  }
  return judged;
}

/// Time over context and batch of every model, cache type and kernel that was measured.
analysis::SpeedMap speedMapOf(const BenchResult& result) {
  analysis::SpeedMap map;
  for (const BenchRow& row : result.rows) {
    map.add(analysis::emptyCurve(result.modelOf(row).name, {}, row.measurement.config, row.setting.attention,
                                 row.setting.kvType),
            {{row.setting.batch, row.setting.context}, row.roundMs()});
  }
  return map;
}

/// Where one model was measured to become 1.5 and 2 times as fast as one with more KV heads: `tell` is called
/// with the two curves, the goal and the crossing.
template <typename Tell>
void eachCrossing(const BenchResult& result, const Tell& tell) {
  const analysis::SpeedMap map = speedMapOf(result);
  std::set<int> batches;
  for (const BenchRow& row : result.rows) batches.insert(row.setting.batch);
  for (const int batch : batches) {
    for (const auto& [curve, against, goal, crossing] : analysis::crossingsAt(map, batch))
      tell(map.curves[curve], map.curves[against], goal, crossing);
  }
}

std::string verdictText(const BenchResult& result) {
  std::string text = "\n";
  for (const BenchRow* row : judgedRows(result)) {
    text += fmt::format("context {}, batch {}, {} cache, {}: {} is {}\n", row->setting.context,
                        row->setting.batch, shortName(row->setting.kvType), shortName(row->setting.attention),
                        result.modelOf(*row).name,
                        analysis::boundSentence(row->timedMeasurement(), result.ceilings));
  }
  eachCrossing(result, [&](const analysis::SpeedCurve& fast, const analysis::SpeedCurve& slow, double goal,
                           const analysis::Crossing& crossing) {
    text += fmt::format("batch {}, {} cache, {}: {} is {}x as fast as {} from {} positions on ({} to {})\n",
                        crossing.at.batch, shortName(fast.kvType), shortName(fast.kernel), fast.name, goal,
                        slow.name, crossing.at.positions, crossing.low,
                        crossing.high > 0 ? std::to_string(crossing.high) : "beyond what was measured");
  });
  return text;
}

ordered_json verdictDocument(const BenchResult& result) {
  ordered_json list = ordered_json::array();
  for (const BenchRow* row : judgedRows(result)) {
    list.push_back({{"context", row->setting.context},
                    {"batch", row->setting.batch},
                    {"kv_type", shortName(row->setting.kvType)},
                    {"kernel", shortName(row->setting.attention)},
                    {"model", result.modelOf(*row).name},
                    {"class", boundName(boundOf(row->timedMeasurement(), result.ceilings))},
                    {"sentence", boundSentence(row->timedMeasurement(), result.ceilings)}});
  }
  return list;
}

ordered_json crossingDocument(const BenchResult& result) {
  ordered_json list = ordered_json::array();
  const auto orNull = [](int positions) { return positions > 0 ? ordered_json(positions) : ordered_json(); };
  eachCrossing(result, [&](const analysis::SpeedCurve& fast, const analysis::SpeedCurve& slow, double goal,
                           const analysis::Crossing& crossing) {
    list.push_back({{"model", fast.name},
                    {"against", slow.name},
                    {"batch", crossing.at.batch},
                    {"kv_type", shortName(fast.kvType)},
                    {"kernel", shortName(fast.kernel)},
                    {"speedup", goal},
                    {"positions", crossing.at.positions},
                    {"low", orNull(crossing.low)},
                    {"high", orNull(crossing.high)}});
  });
  return list;
}

}  // namespace

const BenchRow& BenchResult::baselineOf(const BenchRow& row) const {
  return *std::ranges::find_if(rows,
                               [&](const BenchRow& other) { return other.setting.sameGroup(row.setting); });
}

std::string benchText(const BenchResult& result) {
  std::string text = header(result);
  if (result.isInterrupted) {
    std::size_t fewest = result.rows.empty() ? 0 : result.rows.front().rounds.size();
    for (const BenchRow& row : result.rows) fewest = std::min(fewest, row.rounds.size());
    text += fmt::format("Interrupted: {} rows of at least {} whole rounds.\n", result.rows.size(), fewest);
  }
  text +=
      fmt::format("\n{:<24}{:>8}{:>6}{:>5}{:>8}{:>10}{:>20}{:>9}{:>20}{:>12}{:>12}{:>7}{:>9}{:>8}{:>10}\n",
                  "model", "context", "batch", "KV", "kernel", "tokens/s", "(min - max)", "ratio",
                  "(min - max)", "issued MB", "logical MB", "reuse", "GB/s", "% read", "error");
  for (const BenchRow& row : result.rows) {
    const Spread speed = row.tokensPerSecond();
    const Spread ratio = speedup(result.baselineOf(row), row);
    text += fmt::format(
        "{:<24}{:>8}{:>6}{:>5}{:>8}{:>10}{:>20}{:>8.2f}x{:>20}{:>12.2f}{:>12.2f}{:>7}{:>9}"
        "{:>8}{:>10}\n",
        result.modelOf(row).name, row.setting.context, row.setting.batch, shortName(row.setting.kvType),
        shortName(row.setting.attention), model::tokenRateText(speed.median),
        fmt::format("({} - {})", model::tokenRateText(speed.minimum), model::tokenRateText(speed.maximum)),
        ratio.median, fmt::format("({:.2f} - {:.2f})", ratio.minimum, ratio.maximum),
        megabytes(row.measurement.issued.total()), megabytes(row.measurement.logical.total()),
        analysis::kvReuseText(row.measurement.kvReuse()),
        analysis::impliedText(row.measurement.impliedGBps()), percentText(row.percentOfRead()),
        row.logitsError ? fmt::format("{:.1e}", *row.logitsError) : "-");
  }
  text += stageTable(result);
  text += verdictText(result);
  if (result.options.audit)
    text += "\nAudited: every stage of every row counts the bytes that are declared of it.\n";
  text +=
      "\nms per step: of a few steps after each round that have a time stamp between any two dispatches, "
      "which takes a GPU time of its own; tokens/s and all else are of steps without.\n"
      "tokens/s: all sequences together. ratio: time of the group's first row over this row's, round by "
      "round.\n"
      "issued: bytes that the kernels load and store. logical: each datum once. reuse: issued over logical "
      "KV reads.\n"
      "GB/s: logical bytes over the time of a step; % read: of the read ceiling at the row's working set.\n"
      "error: norm of the logits' difference from the float64 reference over the reference's norm; -: not "
      "compared, for models of more than a billion parameters.\n";
  return text;
}

std::string benchCsv(const BenchResult& result) {
  std::string text =
      "model,context,batch,kv_type,kernel,tokens_per_s_median,tokens_per_s_min,tokens_per_s_max,ms_median,ms_"
      "min,"
      "ms_max,ratio_median,ratio_min,ratio_max,issued_bytes,logical_bytes,kv_reuse,implied_gb_per_s,"
      "read_gb_per_s,timed_step_ms,outside_stages_ms";
  for (int stage = 0; stage < model::kStageCount; ++stage) {
    text += fmt::format(",{}_ms", stageName(static_cast<model::Stage>(stage)));
  }
  if (result.options.audit) {
    for (const auto& [name, bytes] : classesOf({})) text += fmt::format(",counted_{}_bytes", name);
  }
  text += "\n";
  for (const BenchRow& row : result.rows) {
    const Spread speed = row.tokensPerSecond();
    const Spread step = row.stepMs();
    const Spread ratio = speedup(result.baselineOf(row), row);
    text +=
        fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
                    model::csvCell(result.modelOf(row).name), row.setting.context, row.setting.batch,
                    shortName(row.setting.kvType), shortName(row.setting.attention), speed.median,
                    speed.minimum, speed.maximum, step.median, step.minimum, step.maximum, ratio.median,
                    ratio.minimum, ratio.maximum, row.measurement.issued.total(),
                    row.measurement.logical.total(), row.measurement.kvReuse(), row.measurement.impliedGBps(),
                    row.readGBps, row.timedMeasurement().stepMs, row.measurement.overhead.totalMs());
    for (double ms : row.measurement.stageMs) text += fmt::format(",{}", ms);
    if (result.options.audit) {
      for (const auto& [name, bytes] : classesOf(row.counted.value_or(model::Traffic{}))) {
        text += row.counted ? fmt::format(",{}", bytes) : ",";
      }
    }
    text += "\n";
  }
  return text;
}

ordered_json benchDocument(const BenchResult& result) {
  ordered_json rows = ordered_json::array();
  for (const BenchRow& row : result.rows) {
    const model::ModelConfig& config = result.modelOf(row).model().config;
    ordered_json stages = ordered_json::array();
    const auto medians = row.measurement.stageMs;
    for (int stage = 0; stage < model::kStageCount; ++stage) {
      stages.push_back({{"name", stageName(static_cast<model::Stage>(stage))},
                        {"ms", medians[static_cast<std::size_t>(stage)]}});
    }
    rows.push_back({{"model", result.modelOf(row).name},
                    {"attention", attentionDocument(config.attention)},
                    {"context", row.setting.context},
                    {"batch", row.setting.batch},
                    {"kv_type", shortName(row.setting.kvType)},
                    {"kernel", shortName(row.setting.attention)},
                    {"rounds", row.rounds.size()},
                    {"steps_per_round", row.steps},
                    {"tokens_per_second", document(row.tokensPerSecond())},
                    {"ms_per_step", document(row.stepMs())},
                    {"first_step_ms", row.firstStepMs},
                    {"speedup", document(speedup(result.baselineOf(row), row))},
                    {"speedup_against", result.modelOf(result.baselineOf(row)).name},
                    {"timed_step_ms", row.timedMeasurement().stepMs},
                    {"stages", stages},
                    {"outside_stages_ms", row.measurement.overhead.totalMs()},
                    {"issued_bytes", document(row.measurement.issued)},
                    {"logical_bytes", document(row.measurement.logical)},
                    {"counted_bytes", row.counted ? document(*row.counted) : ordered_json()},
                    {"kv_reuse_factor", row.measurement.kvReuse()},
                    {"implied_gb_per_s", row.measurement.impliedGBps()},
                    {"working_set_bytes", row.measurement.workingSetBytes()},
                    {"read_gb_per_s", row.readGBps},
                    {"percent_of_read", possibleShare(row.percentOfRead())},
                    {"logits_error", row.logitsError ? ordered_json(*row.logitsError) : ordered_json()}});
  }
  ordered_json kernels;
  for (const BenchModel& model : *result.models) kernels[model.name] = planText(model.kernels);
  return {{"device", result.device},
          {"driver", result.driver},
          {"date", result.date},
          {"seed", result.options.seed},
          {"a_step_hands_back", logitsText(result)},
          {"kernels", kernels},
          {"audited", result.options.audit},
          {"interrupted", result.isInterrupted},
          {"probes", ceilingsDocument(result.ceilings)},
          {"rows", rows},
          {"verdicts", verdictDocument(result)},
          {"crossings", crossingDocument(result)}};
}

}  // namespace headroom::cli
