#pragma once

#include <cstdint>
#include <string>

#include "app/session/lane_trace.h"

namespace headroom::session {

/// How large a trace of the lane would be.
struct TraceToSave {
  std::uint64_t bytes = 0;  ///< of its attention maps
  bool isLarge = false;     ///< to be asked about before
};
TraceToSave traceToSave(const LaneTrace& lane);

/// Writes the lane's text and the longest part of it whose attention is held whole. Says what was written, or
/// why nothing could be.
Message saveLaneTrace(const LaneTrace& lane, const std::string& path);

}  // namespace headroom::session
