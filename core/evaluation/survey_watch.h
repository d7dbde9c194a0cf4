#pragma once

#include <cstdint>
#include <functional>

namespace headroom::evaluation {

/// Whether measuring is to end; asked between two steps.
using StopRequest = std::function<bool()>;

/// Told how many tokens of how many are read.
using SurveyProgress = std::function<void(std::int64_t done, std::int64_t total)>;

}  // namespace headroom::evaluation
