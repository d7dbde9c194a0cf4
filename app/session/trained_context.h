#pragma once

#include <optional>
#include <string>

#include "app/session/lane.h"

namespace headroom::session {

class TraceStore;

/// The first position that a lane's cache holds beyond what its model was trained for, if it does.
std::optional<int> untrainedFrom(const LaneInfo& lane);
/// The first of all lanes: what all of them share, as a timeline, is trained before it.
std::optional<int> untrainedFrom(const TraceStore& store);

/// "the trained context of 2,048 positions".
std::string trainedContextText(int positions);
/// What every view says beside its mark: "Beyond the trained context of 2,048 positions: text need not make
/// sense there, times and bytes are true."
std::string untrainedSentence(int positions);

}  // namespace headroom::session
