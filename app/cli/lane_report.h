#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/lane_run.h"

namespace headroom::cli {

/// The lane as `decode --json` has it. Traffic is what the kernels issued where the decoder counts that, and
/// logical bytes otherwise; traffic_kind says which. timing: setup_ms is making the decoder, its kernels and
/// commands, prefill_ms running the prompt without that, decode_ms all steps. tokens_per_second, of all
/// sequences together, and implied_gb_per_s leave out the first step, which pays for what happens once; null
/// with fewer than two. `divergence`: analysis::divergence(), counted from behind the prompt.
nlohmann::ordered_json laneDocument(const LaneRun& run, const lanes::LaneSet::Lane& lane,
                                    std::optional<int> divergence);

/// One line of numbers for people: tokens per second, bytes per token, cache.
std::string laneSummary(const LaneRun& run, const lanes::LaneSet::Lane& lane);

/// What a reader sees where one text ended and the next begins.
inline constexpr std::string_view kBetweenTexts = "\n\n";

/// The text of the generated tokens; empty without a tokenizer.
std::string generatedText(const lanes::LaneSet::Lane& lane);

}  // namespace headroom::cli
