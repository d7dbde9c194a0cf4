#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::analysis {

struct AttendedPosition {
  int position = 0;
  float attention = 0.0f;
};

/// What one query position attends to, in one head. A row is a probability distribution over the positions
/// 0..query, so its last element belongs to the query itself.
struct RowStatistics {
  double entropyBits = 0.0;           ///< -sum p log2 p; 0 looks at one token, log2(row length) at all alike
  double sinkMass = 0.0;              ///< attention to position 0
  double meanDistance = 0.0;          ///< sum p * (query - position), in tokens
  std::vector<AttendedPosition> top;  ///< strongest first
};

/// A figure with its unit, of RowStatistics.
struct RowFigure {
  std::string_view name;
  std::string value;
};
/// Entropy, attention to the first token, mean distance.
std::array<RowFigure, 3> figuresOf(const RowStatistics& row);

/// Statistics of one row of length query + 1; `topCount` strongest positions.
RowStatistics rowStatistics(std::span<const float> row, int topCount);

/// Adds `row` element by element to `sum`, which grows to the length of the longest row.
void addRow(std::span<const float> row, std::vector<float>& sum);

}  // namespace headroom::analysis
