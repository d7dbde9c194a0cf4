#pragma once

#include "app/session/lane.h"

namespace headroom::session {

/// Positions that fit the decoder's cache.
int contextLimit(const model::Decoder& decoder);

/// What the rest of the application may know of an opened lane.
LaneInfo describe(const LaneRequest& request, const LaneEngine& engine);

}  // namespace headroom::session
