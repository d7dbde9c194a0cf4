#pragma once

#include <vector>

#include "app/session/lane.h"

namespace headroom::session {

/// What the rest of the application may know of the lanes, which were opened as `requests` ask. Weights that
/// several of them decode with count with the first.
std::vector<LaneInfo> describeLanes(const lanes::LaneSet& lanes,
                                    const std::vector<lanes::LaneRequest>& requests);

}  // namespace headroom::session
