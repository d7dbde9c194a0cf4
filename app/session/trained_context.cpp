#include "app/session/trained_context.h"

#include "app/session/trace_store.h"

namespace headroom::session {

std::optional<int> untrainedFrom(const LaneInfo& lane) {
  return analysis::untrainedFrom(lane.config, lane.contextLength);
}

std::optional<int> untrainedFrom(const TraceStore& store) {
  std::optional<int> first;
  for (int lane = 0; lane < store.laneCount(); ++lane)
    first = analysis::earlierOf(first, untrainedFrom(store.lane(lane).info()));
  return first;
}

}  // namespace headroom::session
