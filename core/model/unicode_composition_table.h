#pragma once

#include <cstdint>
#include <span>

namespace headroom::model {

// Canonical decompositions of Unicode, without those of Hangul, which are computed.

/// Threes: a composed character, and the two that it stands for.
std::span<const std::uint32_t> compositionPairs();
/// The same for characters that are taken apart but never put together.
std::span<const std::uint32_t> decompositionPairs();
/// For each run of characters: the first, their count, then for each the one character it stands for.
std::span<const std::uint32_t> decompositionSingles();
/// Threes in rising order: first and last character of a range, and their combining class, which is not 0.
std::span<const std::uint32_t> combiningClasses();

}  // namespace headroom::model
