#include "app/session/kept_lanes.h"

#include <algorithm>

namespace headroom::session {

std::vector<int> keptLanes(const std::vector<LaneRequest>& old, const std::vector<LaneRequest>& wanted) {
  std::vector<int> kept(wanted.size(), -1);
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    for (int candidate = 0; candidate < std::ssize(old); ++candidate) {
      const LaneRequest& lane = old[static_cast<std::size_t>(candidate)];
      if (lane.source != wanted[index].source || lane.options != wanted[index].options) continue;
      if (std::ranges::find(kept, candidate) != kept.end()) continue;
      kept[index] = candidate;
      break;
    }
  }
  return kept;
}

}  // namespace headroom::session
