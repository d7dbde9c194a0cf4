#pragma once

#include <span>
#include <vector>

#include "app/session/lane.h"

namespace headroom::session {

/// What the rest of the application may know of the lanes, which were opened as `requests` ask. Weights that
/// several of them decode with count with the first.
std::vector<LaneInfo> describeLanes(const lanes::LaneSet& lanes,
                                    const std::vector<lanes::LaneRequest>& requests);

/// Positions that all of `lanes` can be filled with but traces, which hold what they hold.
int mostFillOf(std::span<const LaneInfo> lanes);

}  // namespace headroom::session
