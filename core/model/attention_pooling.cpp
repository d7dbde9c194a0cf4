#include "core/model/attention_pooling.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace headroom::model {

void poolRow(std::span<const float> row, int pooling, std::span<float> pooled) {
  const auto by = static_cast<std::size_t>(pooling);
  assert(pooled.size() == (row.size() + by - 1) / by);
  for (std::size_t index = 0; index < pooled.size(); ++index) {
    const std::span<const float> values = row.subspan(index * by);
    pooled[index] = *std::ranges::max_element(values.first(std::min(by, values.size())));
  }
}

void poolRows(AttentionRows& rows, int cells) {
  if (rows.rowCount == 0 || rows.pooling > 1) return;
  const int pooling = poolingFor(rows.valueCount(rows.rowCount - 1), cells);
  if (pooling == 1) return;
  AttentionRows pooled = rows;
  pooled.pooling = pooling;
  pooled.rowStride = pooled.valueCount(rows.rowCount - 1);
  pooled.values.assign(rows.layers.size() * rows.queryHeads.size() *
                           static_cast<std::size_t>(rows.rowCount * pooled.rowStride),
                       0.0f);
  float* target = pooled.values.data();
  for (int layer = 0; layer < static_cast<int>(rows.layers.size()); ++layer) {
    for (int head = 0; head < rows.queryHeadCount(); ++head) {
      for (int row = 0; row < rows.rowCount; ++row, target += pooled.rowStride) {
        poolRow(rows.row(layer, head, row), pooling,
                {target, static_cast<std::size_t>(pooled.valueCount(row))});
      }
    }
  }
  rows = std::move(pooled);
}

}  // namespace headroom::model
