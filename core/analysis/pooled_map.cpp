#include "core/analysis/pooled_map.h"

#include <algorithm>

namespace headroom::analysis {

void PooledMap::addRow(int position, std::span<const float> row) {
  while (position >= kCells * m_factor) halve();
  float* cells = m_cells.data() + static_cast<std::ptrdiff_t>(position / m_factor) * kCells;
  for (std::size_t column = 0; column < row.size(); ++column) {
    float& cell = cells[column / static_cast<std::size_t>(m_factor)];
    cell = std::max(cell, row[column]);
  }
  m_positionCount = position + 1;
}

void PooledMap::halve() {
  constexpr int kHalf = kCells / 2;
  std::vector<float> pooled(m_cells.size(), 0.0f);
  for (int row = 0; row < kHalf; ++row) {
    const float* above = m_cells.data() + static_cast<std::ptrdiff_t>(2 * row) * kCells;
    const float* below = above + kCells;
    for (int column = 0; column < kHalf; ++column) {
      pooled[static_cast<std::size_t>(row) * kCells + column] =
          std::max({above[2 * column], above[2 * column + 1], below[2 * column], below[2 * column + 1]});
    }
  }
  m_cells = std::move(pooled);
  m_factor *= 2;
}

void poolRow(const MapWindow& window, int position, std::span<const float> row, std::span<float> cells) {
  const int cellRow = (position - window.firstRow) / window.factor;
  if (position < window.firstRow || cellRow >= window.cellRows) return;
  float* target = cells.data() + static_cast<std::ptrdiff_t>(cellRow) * window.cellColumns;
  const int lastColumn =
      std::min(static_cast<int>(row.size()), window.firstColumn + window.cellColumns * window.factor);
  for (int column = window.firstColumn; column < lastColumn; ++column) {
    float& cell = target[(column - window.firstColumn) / window.factor];
    cell = std::max(cell, row[static_cast<std::size_t>(column)]);
  }
}

}  // namespace headroom::analysis
