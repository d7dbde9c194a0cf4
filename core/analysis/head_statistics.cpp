#include "core/analysis/head_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/model/quantity.h"

namespace headroom::analysis {

RowStatistics rowStatistics(std::span<const float> row, int topCount) {
  RowStatistics result;
  if (row.empty()) return result;
  const int query = static_cast<int>(row.size()) - 1;
  for (int position = 0; position <= query; ++position) {
    const double attention = row[static_cast<std::size_t>(position)];
    if (attention > 0.0) result.entropyBits -= attention * std::log2(attention);
    result.meanDistance += attention * (query - position);
  }
  result.sinkMass = row[0];

  std::vector<int> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  const auto kept = order.begin() + std::clamp<std::ptrdiff_t>(topCount, 0, std::ssize(order));
  std::partial_sort(order.begin(), kept, order.end(),
                    [&](int a, int b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
  for (auto position = order.begin(); position != kept; ++position) {
    result.top.push_back({*position, row[static_cast<std::size_t>(*position)]});
  }
  return result;
}

void addRow(std::span<const float> row, std::vector<float>& sum) {
  if (sum.size() < row.size()) sum.resize(row.size(), 0.0f);
  for (std::size_t position = 0; position < row.size(); ++position) sum[position] += row[position];
}

std::array<RowFigure, 3> figuresOf(const RowStatistics& row) {
  return {{{"entropy", model::fixedText(row.entropyBits, 2) + " bits"},
           {"first token", model::fixedText(100.0 * row.sinkMass, 1) + " %"},
           {"distance", model::fixedText(row.meanDistance, 1) + " tokens"}}};
}

}  // namespace headroom::analysis
