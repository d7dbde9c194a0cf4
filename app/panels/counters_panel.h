#pragma once

#include <string>
#include <vector>

#include "app/panels/panel.h"

namespace headroom::panels {

/// Bytes of a step by class, and what they mean: logical, issued, implied GB/s, reuse.
class CountersPanel : public Panel {
 public:
  explicit CountersPanel(int lane) : m_lane(lane) {}
  void draw(const PanelContext& context, const Rect& area) override;

 private:
  struct Figure {
    std::string label;
    std::string shortLabel;  ///< for narrow lanes
    std::string value;
    std::string explanation;
  };
  /// The figures that fit uncut, and how they stand.
  struct FigureGrid {
    std::vector<Figure> figures;
    int rows = 1;
    int columns = 1;
    bool narrow = false;
    float rowHeight = 0.0f;
  };
  /// The most telling first.
  std::vector<Figure> figuresOf(const PanelContext& context, const model::StepRecord& step) const;
  FigureGrid layOut(const PanelContext& context, std::vector<Figure> figures, const Rect& area) const;
  void drawBar(const PanelContext& context, const Rect& bar, int position);
  void drawLegend(const PanelContext& context, const Rect& area, const model::StepRecord& step);
  void drawFigures(const PanelContext& context, const Rect& area, const FigureGrid& grid);

  int m_lane;
};

}  // namespace headroom::panels
