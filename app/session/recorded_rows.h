#pragma once

#include <vector>

#include "app/session/lane_trace.h"
#include "app/session/selection.h"

namespace headroom::session {

/// Whether a row can be shown at all: a trace may hold some layers and positions only.
bool isRecorded(const LaneTrace& lane, int layer, int position);

/// Positions `first` up to `end`.
struct PositionRange {
  int first = 0;
  int end = 0;
};
/// The decoded positions of which a layer has no recorded row. Maps cover them: they are unknown, not 0.
std::vector<PositionRange> unrecordedRows(const LaneTrace& lane, int layer);

/// The best there is of a row: captured or recomputed, else what the overview still knows of it.
PooledRow bestRow(const LaneTrace& lane, const HeadAddress& head, int position);

}  // namespace headroom::session
