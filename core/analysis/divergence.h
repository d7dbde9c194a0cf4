#pragma once

#include <optional>
#include <span>

namespace headroom::analysis {

/// First index at which two sequences differ; a sequence that merely ends earlier does not differ.
std::optional<int> firstDifference(std::span<const int> a, std::span<const int> b);

/// Whether a lane would have said something else than the token it was fed; a negative choice is unknown.
constexpr bool isOtherChoice(int choice, int token) {
  return choice >= 0 && choice != token;
}

/// First index, from `from` on, at which a lane's own choice is not the token it was fed. `choices[i]` is
/// what the lane would have said at position i.
std::optional<int> firstDisagreement(std::span<const int> tokens, std::span<const int> choices, int from);

/// The text of a lane and where its own choice first was not what it was fed.
struct ReadText {
  std::span<const int> tokens;
  int promptLength = 0;
  std::optional<int> disagreement = {};
};

/// The position where a lane goes another way: in lockstep the first that it would have chosen otherwise,
/// else the first behind the prompts where its text is not that of the first lane.
std::optional<int> divergence(bool lockstep, const ReadText& first, const ReadText& lane);

}  // namespace headroom::analysis
