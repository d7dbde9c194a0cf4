#pragma once

#include <span>

#include "core/model/step_record.h"

namespace headroom::model {

/// Max-pools one row of attention: `pooled[i]` becomes the largest of row[i * pooling] ...
/// row[i * pooling + pooling - 1], as far as the row goes. `pooled` is [ceil(row.size() / pooling)].
void poolRow(std::span<const float> row, int pooling, std::span<float> pooled);

/// Max-pools rows that have more than `cells` values each, as Capture::pooled asks; rows that are short
/// enough or pooled already stay as they are.
void poolRows(AttentionRows& rows, int cells);

}  // namespace headroom::model
