#pragma once

#include "app/panels/panel.h"
#include "app/session/recorded_rows.h"

namespace headroom::panels {

/// What full rows are wanted for: each purpose has its own place in the queue.
enum class RowPurpose {
  Statistics,        ///< the row of the step looked at
  Map,               ///< the rows in sight
  BesideStatistics,  ///< the same of the head beside the inspected one
  BesideMap,
};

/// Most rows that a map asks for at once: a quarter of a second's work on a slow device.
inline constexpr int kMostReplayedRows = 256;

using session::bestRow;
using session::isRecorded;
using session::PositionRange;
using session::unrecordedRows;

/// Asks for the rows of a head from `first` on to be recomputed where some of them are pooled or gone. While
/// the newest step is followed nothing is asked for: every step would cost another one.
void wantFullRows(const PanelContext& context, const session::HeadAddress& head, RowPurpose purpose,
                  int first, int count);

}  // namespace headroom::panels
