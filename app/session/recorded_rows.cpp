#include "app/session/recorded_rows.h"

namespace headroom::session {

bool isRecorded(const LaneTrace& lane, int layer, int position) {
  const analysis::TruthCard& card = lane.info().card;
  return !card.isTrace || card.recorded.holds(layer, position);
}

std::vector<PositionRange> unrecordedRows(const LaneTrace& lane, int layer) {
  std::vector<PositionRange> ranges;
  for (int position = 0; position < lane.length(); ++position) {
    if (isRecorded(lane, layer, position)) continue;
    if (ranges.empty() || ranges.back().end != position) ranges.push_back({position, position});
    ranges.back().end = position + 1;
  }
  return ranges;
}

PooledRow bestRow(const LaneTrace& lane, const HeadAddress& head, int position) {
  if (!isRecorded(lane, head.layer, position)) return {};
  const PooledRow row = lane.pooledRow(head.layer, head.queryHead, position);
  if (!row.values.empty()) return row;
  const analysis::PooledMap& map = lane.overview(head.layer, head.queryHead);
  if (position >= map.positionCount()) return row;
  const auto cell = static_cast<std::size_t>(position / map.factor());
  return {map.cells().subspan(cell * analysis::PooledMap::kCells, cell + 1), map.factor()};
}

}  // namespace headroom::session
