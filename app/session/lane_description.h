#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/session/lane.h"

namespace headroom::session {

/// Positions that fit the decoder's cache.
int contextLimit(const model::Decoder& decoder);

/// Titles of lanes by the context limit that they reached.
using FullLanes = std::map<int, std::vector<std::string>>;
/// "MHA and MQA have reached the context limit of 512 tokens, GQA has reached that of 1024. ..."
std::string contextFullSentence(const FullLanes& full);

/// What the rest of the application may know of an opened lane.
LaneInfo describe(const LaneRequest& request, const LaneEngine& engine);

}  // namespace headroom::session
