#pragma once

#include <cstdint>
#include <limits>

namespace headroom::formats {

/// What a configuration of any format may say at most: positions that a model was trained with, and any other
/// count.
inline constexpr std::int64_t kMostPositions = 1 << 27;
inline constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

}  // namespace headroom::formats
