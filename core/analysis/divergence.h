#pragma once

#include <optional>
#include <span>

namespace headroom::analysis {

/// First index at which two sequences differ; a sequence that merely ends earlier does not differ.
std::optional<int> firstDifference(std::span<const int> a, std::span<const int> b);

/// First index, from `from` on, at which a lane's own choice is not the token it was fed. `choices[i]` is
/// what the lane would have said at position i; a negative choice is unknown.
std::optional<int> firstDisagreement(std::span<const int> tokens, std::span<const int> choices, int from);

}  // namespace headroom::analysis
