#include "app/panels/row_requests.h"

#include <algorithm>

namespace headroom::panels {

bool isRecorded(const session::LaneTrace& lane, int layer, int position) {
  const analysis::TruthCard& card = lane.info().card;
  return !card.isTrace || card.recorded.holds(layer, position);
}

std::vector<PositionRange> unrecordedRows(const session::LaneTrace& lane, int layer) {
  std::vector<PositionRange> ranges;
  for (int position = 0; position < lane.length(); ++position) {
    if (isRecorded(lane, layer, position)) continue;
    if (ranges.empty() || ranges.back().end != position) ranges.push_back({position, position});
    ranges.back().end = position + 1;
  }
  return ranges;
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
                              .slot = 2 * head.lane + (purpose == RowPurpose::Map ? 1 : 0),
                              .lane = head.lane,
                              .layer = head.layer,
                              .queryHead = head.queryHead,
                              .firstPosition = first,
                              .tokens = {from, from + (end - first)}});
}

session::PooledRow bestRow(const session::LaneTrace& lane, const session::HeadAddress& head, int position) {
  if (!isRecorded(lane, head.layer, position)) return {};
  const session::PooledRow row = lane.pooledRow(head.layer, head.queryHead, position);
  if (!row.values.empty()) return row;
  const analysis::PooledMap& map = lane.overview(head.layer, head.queryHead);
  if (position >= map.positionCount()) return row;
  const auto cell = static_cast<std::size_t>(position / map.factor());
  return {map.cells().subspan(cell * analysis::PooledMap::kCells, cell + 1), map.factor()};
}

}  // namespace headroom::panels
