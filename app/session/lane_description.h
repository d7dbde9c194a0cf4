#pragma once

#include <string>

#include "app/session/lane.h"

namespace headroom::session {

/// What the rest of the application may know of an opened lane. `weightsOf` is the title of an earlier lane
/// that decodes with the same weights; empty when it is the first.
LaneInfo describe(const lanes::LaneRequest& request, const lanes::LaneEngine& engine,
                  const std::string& weightsOf);

}  // namespace headroom::session
