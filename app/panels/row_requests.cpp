#include "app/panels/row_requests.h"

#include <algorithm>

namespace headroom::panels {

namespace {
constexpr int kPurposes = 4;
}

void wantFullRows(const PanelContext& context, const session::HeadAddress& head, RowPurpose purpose,
                  int first, int count) {
  if (context.playing && !context.selection.position()) return;
  const session::LaneTrace& lane = context.store.lane(head.lane);
  first = std::max(first, 0);
  const int end = std::min(first + std::min(count, kMostReplayedRows), lane.length());
  const auto whole = [&](int position) {
    return !lane.attentionRow(head.layer, head.queryHead, position).empty();
  };
  while (first < end && (whole(first) || !isRecorded(lane, head.layer, first))) ++first;
  if (first >= end) return;
  const auto from = lane.tokens().begin() + first;
  context.selection.wantRows({.run = context.store.run(),
                              .slot = kPurposes * head.lane + static_cast<int>(purpose),
                              .lane = head.lane,
                              .layer = head.layer,
                              .queryHead = head.queryHead,
                              .firstPosition = first,
                              .tokens = {from, from + (end - first)}});
}

}  // namespace headroom::panels
