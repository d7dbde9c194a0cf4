#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>

#include "core/model/decoder.h"

namespace headroom::model {

/// The largest cache of a lane that is filled to measure or to show something.
inline constexpr std::uint64_t kMostFilledBytes = 512ull << 20;

/// Whether a cache that takes `bytesPerPosition` of every sequence is filled so far.
constexpr bool isFilledSoFar(std::uint64_t bytesPerPosition, int sequences, int positions,
                             std::uint64_t mostBytes = kMostFilledBytes) {
  return bytesPerPosition * static_cast<std::uint64_t>(sequences) * static_cast<std::uint64_t>(positions) <=
         mostBytes;
}

/// Positions that lanes can be filled with together, of which each takes `mostOf(lane)`: where one goes all
/// go. Without lanes what is offered at most.
template <typename Lanes, typename MostOf>
int commonFill(const Lanes& lanes, MostOf mostOf) {
  std::optional<int> least;
  for (const auto& lane : lanes) {
    const int most = std::invoke(mostOf, lane);
    least = std::min(least.value_or(most), most);
  }
  return least.value_or(mostFilled(kMostOfferedContext));
}

}  // namespace headroom::model
