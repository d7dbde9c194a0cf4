#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/cli/lane_runner.h"

namespace headroom::cli {

/// The lane as DESIGN's contract for `decode --json` names it. Traffic is what the kernels issued where the
/// decoder counts that, and logical bytes otherwise; traffic_kind says which.
nlohmann::ordered_json laneDocument(const Lane& lane);

/// One line of numbers for people: tokens per second, bytes per token, cache.
std::string laneSummary(const Lane& lane);

/// The text of the generated tokens; empty without a tokenizer.
std::string generatedText(const Lane& lane);

}  // namespace headroom::cli
