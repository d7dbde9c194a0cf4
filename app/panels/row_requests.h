#pragma once

#include <vector>

#include "app/panels/panel.h"

namespace headroom::panels {

/// What full rows are wanted for: each purpose has its own place in the queue.
enum class RowPurpose {
  Statistics,  ///< the row of the step looked at
  Map,         ///< the rows in sight
};

/// Most rows that a map asks for at once: a quarter of a second's work on a slow device.
inline constexpr int kMostReplayedRows = 256;

/// Whether a row can be shown at all: a trace may hold some layers and positions only.
bool isRecorded(const session::LaneTrace& lane, int layer, int position);

/// Positions `first` up to `end`.
struct PositionRange {
  int first = 0;
  int end = 0;
};
/// The decoded positions of which a layer has no recorded row. Maps cover them: they are unknown, not 0.
std::vector<PositionRange> unrecordedRows(const session::LaneTrace& lane, int layer);

/// Asks for the rows of a head from `first` on to be recomputed where some of them are pooled or gone. While
/// the newest step is followed nothing is asked for: every step would cost another one.
void wantFullRows(const PanelContext& context, const session::HeadAddress& head, RowPurpose purpose,
                  int first, int count);

/// The best there is of a row: captured or recomputed, else what the overview still knows of it.
session::PooledRow bestRow(const session::LaneTrace& lane, const session::HeadAddress& head, int position);

}  // namespace headroom::panels
