#include "app/cli/lane_report.h"

#include <fmt/format.h>

#include <span>

#include "app/cli/report_parts.h"
#include "core/analysis/rates.h"
#include "core/analysis/traffic_summary.h"
#include "core/model/quantity.h"
#include "core/text/utf8.h"

namespace headroom::cli {

namespace {
using nlohmann::ordered_json;
using Lane = lanes::LaneSet::Lane;

const model::StepRecord& lastRecord(const LaneRun& run) {
  return run.steps.empty() ? run.prefill.back() : run.steps.back();
}

bool countsIssuedBytes(const LaneRun& run) {
  return analysis::isCounted(lastRecord(run).issued());
}

/// Every decode step but the first, which pays for what happens once: caches that are cold, code that the
/// driver makes when it is needed. Rates are of these, and not known with fewer than two steps.
analysis::StepSummary laterSteps(const LaneRun& run) {
  if (run.steps.empty()) return {};
  return analysis::summarise(std::span(run.steps).subspan(1));
}

double tokensPerSecond(const LaneRun& run, const Lane& lane) {
  const analysis::StepSummary later = laterSteps(run);
  return analysis::tokensPerSecond(later.stepCount, lane.engine.decoder->options().batch, later.wallTimeMs);
}

double setupWithin(const std::vector<model::StepRecord>& records) {
  return analysis::summarise(records).overhead.setupMs;
}

/// Running the prompt, without making the kernels and recording the commands for it.
double prefillMs(const LaneRun& run) {
  return analysis::summarise(run.prefill).wallTimeMs - setupWithin(run.prefill);
}

double setupMs(const LaneRun& run) {
  return run.setupMs + setupWithin(run.prefill);
}

std::uint64_t cacheBytesPerToken(const LaneRun& run, const Lane& lane) {
  return lastRecord(run).cacheBytesUsed / static_cast<std::uint64_t>(lane.engine.decoder->position());
}

/// The reference rounds to f16 where that is asked for, and keeps the result in float64.
ordered_json cacheDocument(const LaneRun& run, const Lane& lane) {
  const model::StepRecord& last = lastRecord(run);
  const std::uint64_t perToken = cacheBytesPerToken(run, lane);
  ordered_json document = {{"type", shortName(lane.engine.decoder->options().kvType)},
                           {"bytes_per_token", perToken},
                           {"bytes_used", last.cacheBytesUsed},
                           {"bytes_allocated", last.cacheBytesAllocated}};
  if (const auto rounded = lane.engine.decoder->cacheRoundedTo())
    document["rounded_to"] = shortName(*rounded);
  return document;
}

/// A step's stages, the layers of each added up. "bytes" are issued ones where the decoder counts them.
ordered_json stageList(const model::StepRecord& step, bool issued) {
  analysis::StepSummary summary;
  summary.add(step);
  ordered_json list = ordered_json::array();
  for (std::size_t i = 0; i < model::kStageCount; ++i) {
    const std::uint64_t logical = summary.stageLogicalBytes[i];
    list.push_back({{"name", stageName(static_cast<model::Stage>(i))},
                    {"ms", summary.stageTimeMs[i]},
                    {"bytes", issued ? summary.stageIssuedBytes[i] : logical},
                    {"logical_bytes", logical}});
  }
  return list;
}

ordered_json overheadDocument(const model::Overhead& overhead) {
  return {{"prepare_ms", overhead.prepareMs},
          {"submit_ms", overhead.submitMs},
          {"read_back_ms", overhead.readBackMs},
          {"total_ms", overhead.totalMs()}};
}

ordered_json timingDocument(const LaneRun& run, const Lane& lane, const analysis::StepSummary& summary) {
  ordered_json timing = {{"setup_ms", setupMs(run)},
                         {"prefill_ms", prefillMs(run)},
                         {"decode_ms", summary.wallTimeMs},
                         {"first_step_ms", nullptr},
                         {"tokens_per_second", knownRate(tokensPerSecond(run, lane))},
                         {"stages_ms", summary.gpuTimeMs},
                         {"outside_stages", overheadDocument(summary.overhead)}};
  if (!run.steps.empty()) timing["first_step_ms"] = run.steps.front().wallTimeMs;
  return timing;
}

ordered_json stepList(const LaneRun& run) {
  const bool issued = countsIssuedBytes(run);
  ordered_json list = ordered_json::array();
  for (const model::StepRecord& step : run.steps) {
    list.push_back({{"token", step.tokens.front()},
                    {"position", step.position},
                    {"ms", step.wallTimeMs},
                    {"stages", stageList(step, issued)},
                    {"outside_stages", overheadDocument(step.overhead)}});
  }
  return list;
}
}  // namespace

std::string generatedText(const Lane& lane) {
  std::string text;
  const model::Tokenizer* tokenizer = lane.engine.tokenizer();
  if (!tokenizer) return text;
  for (int token : lane.continuation()) {
    text += tokenizer->pieceBytes(token);
    if (tokenizer->endsText(token)) text += kBetweenTexts;
  }
  return text::replaceInvalidUtf8(text);
}

ordered_json laneDocument(const LaneRun& run, const Lane& lane, std::optional<int> divergence) {
  const analysis::StepSummary summary = analysis::summarise(run.steps);
  const model::Traffic traffic = analysis::countedOrLogical(summary.issued, summary.logical);
  ordered_json document = {
      {"model", run.path},
      {"device", lane.engine.decoder->deviceName()},
      {"note", lane.engine.decoder->note()},
      {"attention", attentionDocument(lane.engine.decoder->config().attention)},
      {"ablated", ablatedDocument(lane.engine.changes)},
      {"prompt_tokens", std::span(lane.text).first(static_cast<std::size_t>(lane.promptLength))},
      {"tokens", lane.continuation()},
      {"text", generatedText(lane)},
      {"kv_cache", cacheDocument(run, lane)},
      {"traffic", trafficDocument(traffic)},
      {"traffic_kind", countsIssuedBytes(run) ? "issued" : "logical"},
      {"traffic_logical", trafficDocument(summary.logical)},
      {"kv_reuse_factor", knownRate(summary.kvReuseFactor())},
      {"implied_gb_per_s", knownRate(laterSteps(run).impliedGigabytesPerSecond())},
      {"timing", timingDocument(run, lane, summary)},
      {"stop_reason", lane.stopReason ? lanes::shortName(*lane.stopReason) : ""},
      {"first_divergence", divergence ? ordered_json(*divergence) : ordered_json()},
      {"steps", stepList(run)},
  };
  return document;
}

std::string laneSummary(const LaneRun& run, const Lane& lane) {
  const model::AttentionShape& shape = lane.engine.decoder->config().attention;
  const std::size_t count = std::max<std::size_t>(run.steps.size(), 1);
  const analysis::StepSummary summary = analysis::summarise(run.steps);
  const model::Traffic traffic = analysis::countedOrLogical(summary.issued, summary.logical);
  return fmt::format(
      "{} ({} {}/{}): {} tokens, {} tokens/s after the first step, set-up {:.1f} ms, prefill {:.1f} ms, {} "
      "{} bytes per step of which KV {}, "
      "cache {} bytes ({} per position), KV reuse {}, implied {} GB/s, stopped at {}",
      lane.engine.title(), shortName(shape.kind()), shape.queryHeadCount, shape.kvHeadCount,
      lane.continuation().size(), knownRateText(tokensPerSecond(run, lane), model::tokenRateText),
      setupMs(run), prefillMs(run), traffic.total() / count, countsIssuedBytes(run) ? "issued" : "logical",
      traffic.kvRead / count, lastRecord(run).cacheBytesUsed, cacheBytesPerToken(run, lane),
      knownRateText(summary.kvReuseFactor(), analysis::kvReuseText),
      knownRateText(laterSteps(run).impliedGigabytesPerSecond(), analysis::impliedText),
      lane.stopReason ? lanes::shortName(*lane.stopReason) : "");
}

}  // namespace headroom::cli
