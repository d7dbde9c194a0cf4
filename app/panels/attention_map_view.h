#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app/panels/panel.h"
#include "core/analysis/pooled_map.h"

namespace headroom::panels {

/// The part of a map that both maps of the inspector show, in positions.
struct MapViewport {
  double firstColumn = 0.0;
  double firstRow = 0.0;
  double size = 0.0;  ///< positions across and down
};

/// A cell under the mouse.
struct MapPoint {
  int query = 0;
  int attended = 0;
};

/// What a map is of: a head, or what it gives more than another.
struct MapSubject {
  session::HeadAddress head;
  std::optional<session::HeadAddress> less = {};

  bool operator==(const MapSubject&) const = default;
};

/// One full attention map with token labels on both axes.
class AttentionMapView {
 public:
  /// `slot` tells the maps of the inspector apart.
  explicit AttentionMapView(int slot) : m_slot(slot) {}

  enum class RowLabels { Shown, Hidden };

  /// Space for labels at the left and at the bottom.
  static float labelWidth(const PanelContext& context);
  static float labelHeight(const PanelContext& context);

  /// Draws the subject's map into `area`, without row labels where the map at its left has the same.
  void draw(const PanelContext& context, const MapSubject& subject, const MapViewport& viewport,
            RowLabels rowLabels, const Rect& area);
  const Rect& plot() const { return m_plot; }
  /// Attention, or the size of a difference, at the end of a stretched scale.
  float maximum() const { return m_maximum; }
  /// Whether rows of it are known only by the largest value of several positions.
  bool isPooled() const { return m_incomplete; }

  std::optional<MapPoint> pointAt(const MapViewport& viewport, const session::LaneTrace& lane,
                                  ImVec2 mouse) const;

 private:
  void fillCells(const PanelContext& context, const MapSubject& subject, const MapViewport& viewport);
  void fillRow(const PanelContext& context, int position);
  /// Rows that are pinned, and rows and columns of tokens that are sought.
  void drawMarked(const PanelContext& context, const session::LaneTrace& lane,
                  const MapViewport& viewport) const;
  void drawRowLabels(const PanelContext& context, const session::LaneTrace& lane,
                     const MapViewport& viewport);
  void drawColumnLabels(const PanelContext& context, const session::LaneTrace& lane,
                        const MapViewport& viewport);

  int m_slot;
  Rect m_plot;
  float m_maximum = 1.0f;
  // Cells are kept until the window, the head or the run changes; new rows are added.
  analysis::MapWindow m_window;
  std::vector<float> m_cells;
  MapSubject m_subject;
  std::uint64_t m_run = 0;
  std::uint64_t m_generation = 0;
  int m_nextPosition = 0;
  // Rows that were pooled when they were drawn are drawn again when full ones have come.
  bool m_incomplete = false;
  int m_replays = 0;
};

}  // namespace headroom::panels
