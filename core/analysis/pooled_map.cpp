#include "core/analysis/pooled_map.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace headroom::analysis {

void PooledMap::addRow(int position, std::span<const float> row, int pooling) {
  if (m_cells.empty()) m_cells.resize(static_cast<std::size_t>(kCells) * kCells);
  while (position >= kCells * m_factor) halve();
  float* cells = m_cells.data() + static_cast<std::ptrdiff_t>(position / m_factor) * kCells;
  for (std::size_t index = 0; index < row.size(); ++index) {
    const int from = static_cast<int>(index) * pooling;
    const int to = std::min(from + pooling, position + 1);
    for (int column = from / m_factor; column <= (to - 1) / m_factor; ++column) {
      cells[column] = std::max(cells[column], row[index]);
    }
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

void poolRow(const MapWindow& window, int position, std::span<const float> row, int pooling,
             std::span<float> cells) {
  const int cellRow = (position - window.firstRow) / window.factor;
  if (position < window.firstRow || cellRow >= window.cellRows) return;
  float* target = cells.data() + static_cast<std::ptrdiff_t>(cellRow) * window.cellColumns;
  const int end = std::min(position + 1, window.firstColumn + window.cellColumns * window.factor);
  for (int from = window.firstColumn / pooling * pooling; from < end; from += pooling) {
    const auto index = static_cast<std::size_t>(from / pooling);
    if (index >= row.size()) break;
    if (from < window.fromToken) continue;
    const int first = (std::max(from, window.firstColumn) - window.firstColumn) / window.factor;
    const int last = (std::min(from + pooling, end) - 1 - window.firstColumn) / window.factor;
    for (int column = first; column <= last; ++column) target[column] = std::max(target[column], row[index]);
  }
}

void poolDifference(const MapWindow& window, int position, RowOfMap row, RowOfMap less,
                    std::span<float> cells) {
  const int cellRow = (position - window.firstRow) / window.factor;
  if (position < window.firstRow || cellRow >= window.cellRows) return;
  float* target = cells.data() + static_cast<std::ptrdiff_t>(cellRow) * window.cellColumns;
  // Both at the coarser pooling: poolings are powers of two.
  const int pooling = std::max(row.pooling, less.pooling);
  const auto valueAt = [pooling](const RowOfMap& of, int from) {
    const auto begin = static_cast<std::size_t>(from / of.pooling);
    const auto end = std::min(of.values.size(), static_cast<std::size_t>((from + pooling) / of.pooling));
    float largest = 0.0f;
    for (std::size_t index = begin; index < end; ++index) largest = std::max(largest, of.values[index]);
    return largest;
  };
  const int end = std::min(position + 1, window.firstColumn + window.cellColumns * window.factor);
  for (int from = window.firstColumn / pooling * pooling; from < end; from += pooling) {
    if (from < window.fromToken) continue;
    const float difference = valueAt(row, from) - valueAt(less, from);
    const int first = (std::max(from, window.firstColumn) - window.firstColumn) / window.factor;
    const int last = (std::min(from + pooling, end) - 1 - window.firstColumn) / window.factor;
    for (int column = first; column <= last; ++column) {
      if (std::abs(difference) > std::abs(target[column])) target[column] = difference;
    }
  }
}

}  // namespace headroom::analysis
