#pragma once

#include <algorithm>
#include <functional>
#include <optional>

#include "core/model/decoder.h"

namespace headroom::model {

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
