#pragma once

#include <optional>

#include "app/session/lane.h"
#include "core/analysis/trained_context.h"

namespace headroom::session {

class TraceStore;

using analysis::trainedContextText;
using analysis::untrainedSentence;
using analysis::untrainedSweepNote;

/// The first position that a lane's cache holds beyond what its model was trained for, if it does.
std::optional<int> untrainedFrom(const LaneInfo& lane);
/// The first of all lanes: what all of them share, as a timeline, is trained before it.
std::optional<int> untrainedFrom(const TraceStore& store);

}  // namespace headroom::session
