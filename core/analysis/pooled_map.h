#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/model/attention_pooling.h"

namespace headroom::analysis {

/// An attention map of any length in at most kCells x kCells cells. A cell holds the maximum of `factor()` x
/// `factor()` attention values, so a single bright value never vanishes. The factor is a power of two and
/// doubles whenever the map outgrows the grid; maxima of maxima are exact.
class PooledMap {
 public:
  static constexpr int kCells = 128;

  /// Adds the attention of the query at `position`: value i is the largest of `pooling` positions from
  /// i * pooling on. Positions come in ascending order.
  void addRow(int position, std::span<const float> row, int pooling = 1);

  /// Positions added so far: one more than the last one.
  int positionCount() const { return m_positionCount; }
  /// Positions per cell side.
  int factor() const { return m_factor; }
  /// Rows of cells that hold something.
  int cellRowCount() const { return (m_positionCount + m_factor - 1) / m_factor; }
  /// [kCells][kCells], cell (row, column) at row * kCells + column; empty before the first row.
  std::span<const float> cells() const { return m_cells; }

 private:
  void halve();

  int m_positionCount = 0;
  int m_factor = 1;
  std::vector<float> m_cells;
};

/// The part of a map that a view shows, as cells of `factor` x `factor` positions.
struct MapWindow {
  int firstRow = 0;     ///< query position of the first cell row; a multiple of factor
  int firstColumn = 0;  ///< attended position of the first cell column; a multiple of factor
  int cellRows = 0;
  int cellColumns = 0;
  int factor = 1;
  int fromToken = 0;  ///< attention to tokens before it is left out: 1 hides the sink

  bool operator==(const MapWindow&) const = default;
};

/// Puts the maxima of one attention row, `pooling` positions per value, into its cell row of `cells`:
/// [window.cellRows][window.cellColumns]. A value that covers several cells goes into each of them; one that
/// covers tokens that are left out is left out. Rows outside the window are ignored.
void poolRow(const MapWindow& window, int position, std::span<const float> row, int pooling,
             std::span<float> cells);

/// A row of attention: value i is the largest of `pooling` positions from i * pooling on.
struct RowOfMap {
  std::span<const float> values;
  int pooling = 1;
};
/// Puts a row less another of the same position into its cell row: each cell gets the difference that is
/// farthest from 0. Of rows that come pooled it is the difference of their maxima. A cell of positions that
/// neither row has is 0.
void poolDifference(const MapWindow& window, int position, RowOfMap row, RowOfMap less,
                    std::span<float> cells);

}  // namespace headroom::analysis
