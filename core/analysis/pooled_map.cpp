#include "core/analysis/pooled_map.h"

#include <algorithm>
#include <utility>

namespace headroom::analysis {

namespace {

/// The largest of each `by` neighbours, written to `target`.
void poolInto(std::span<const float> row, int by, std::span<float> target) {
  for (std::size_t index = 0; index < target.size(); ++index) {
    const std::size_t from = index * static_cast<std::size_t>(by);
    const std::size_t to = std::min(from + static_cast<std::size_t>(by), row.size());
    target[index] = *std::max_element(row.begin() + static_cast<std::ptrdiff_t>(from),
                                      row.begin() + static_cast<std::ptrdiff_t>(to));
  }
}

}  // namespace

void PooledMap::addRow(int position, std::span<const float> row, int pooling) {
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
    const int first = (std::max(from, window.firstColumn) - window.firstColumn) / window.factor;
    const int last = (std::min(from + pooling, end) - 1 - window.firstColumn) / window.factor;
    for (int column = first; column <= last; ++column) target[column] = std::max(target[column], row[index]);
  }
}

void poolRows(model::AttentionRows& rows, int cells) {
  if (rows.rowCount == 0 || rows.pooling > 1) return;
  const int pooling = model::poolingFor(rows.valueCount(rows.rowCount - 1), cells);
  if (pooling == 1) return;
  model::AttentionRows pooled = rows;
  pooled.pooling = pooling;
  pooled.rowStride = pooled.valueCount(rows.rowCount - 1);
  pooled.values.assign(rows.layers.size() * rows.queryHeads.size() *
                           static_cast<std::size_t>(rows.rowCount * pooled.rowStride),
                       0.0f);
  float* target = pooled.values.data();
  for (int layer = 0; layer < static_cast<int>(rows.layers.size()); ++layer) {
    for (int head = 0; head < rows.queryHeadCount(); ++head) {
      for (int row = 0; row < rows.rowCount; ++row, target += pooled.rowStride) {
        poolInto(rows.row(layer, head, row), pooling,
                 {target, static_cast<std::size_t>(pooled.valueCount(row))});
      }
    }
  }
  rows = std::move(pooled);
}

}  // namespace headroom::analysis
