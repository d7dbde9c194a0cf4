#include "core/analysis/divergence.h"

#include <algorithm>

namespace headroom::analysis {

std::optional<int> firstDifference(std::span<const int> a, std::span<const int> b) {
  const int shared = static_cast<int>(std::min(a.size(), b.size()));
  for (int index = 0; index < shared; ++index) {
    if (a[static_cast<std::size_t>(index)] != b[static_cast<std::size_t>(index)]) return index;
  }
  return std::nullopt;
}

std::optional<int> firstDisagreement(std::span<const int> tokens, std::span<const int> choices, int from) {
  const int shared = static_cast<int>(std::min(tokens.size(), choices.size()));
  for (int position = std::max(from, 0); position < shared; ++position) {
    const auto at = static_cast<std::size_t>(position);
    if (isOtherChoice(choices[at], tokens[at])) return position;
  }
  return std::nullopt;
}

std::optional<int> divergence(bool lockstep, const ReadText& first, const ReadText& lane) {
  if (lockstep) return lane.disagreement;
  const std::optional<int> position = firstDifference(first.tokens, lane.tokens);
  return position && *position >= std::min(first.promptLength, lane.promptLength) ? position : std::nullopt;
}

}  // namespace headroom::analysis
