#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/figures/lane_figures.h"

namespace headroom::figures {

/// Cells of a map each way at most: no more than the picture has pixels for, so that no cell is lost. A power
/// of two.
inline constexpr int kMostCells = 512;

/// Puts the attention rows of one head together to a figure.
class MapFigure {
 public:
  struct Head {
    int layer = 0;
    int queryHead = 0;
  };

  /// Of a text of that many positions, at least one.
  MapFigure(Head head, int positions);

  /// The row of the query at `position`: value i is the largest of `pooling` positions from i x pooling on.
  /// Rows that are not given were not recorded.
  void addRow(int position, std::span<const float> row, int pooling = 1);

  /// `labels` are the tokens, [positions].
  Figure figure(const FigureLane& lane, const analysis::MapLook& look, std::vector<std::string> labels,
                const std::string& date) const;

 private:
  Head m_head;
  AttentionMap m_map;
};

}  // namespace headroom::figures
