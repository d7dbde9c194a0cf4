#include "app/session/trained_context.h"

#include "app/session/trace_store.h"
#include "core/model/quantity.h"

namespace headroom::session {

std::optional<int> untrainedFrom(const LaneInfo& lane) {
  const int trained = lane.config.contextLength;
  return trained > 0 && lane.contextLength > trained ? std::optional(trained) : std::nullopt;
}

std::optional<int> untrainedFrom(const TraceStore& store) {
  std::optional<int> first;
  for (int lane = 0; lane < store.laneCount(); ++lane) {
    const std::optional<int> from = untrainedFrom(store.lane(lane).info());
    if (from && (!first || *from < *first)) first = from;
  }
  return first;
}

std::string trainedContextText(int positions) {
  return "the trained context of " + model::groupDigits(positions) + " positions";
}

std::string untrainedSentence(int positions) {
  return "Beyond " + trainedContextText(positions) +
         ": text need not make sense there, times and bytes are true.";
}

}  // namespace headroom::session
