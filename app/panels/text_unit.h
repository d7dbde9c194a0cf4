#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/panels/panel.h"
#include "app/session/display_text.h"

namespace headroom::panels {

/// A stretch of a text that is drawn in one go, by ImGui or by the TextShaper, and stays on one line.
struct TextUnit {
  std::string text;  ///< as shown
  std::size_t firstByte = 0;
  std::size_t endByte = 0;
  std::size_t endCluster = 0;
  bool shaped = false;  ///< by the TextShaper; `text` is the bytes as they are then
  bool rightToLeft = false;
  bool space = false;
  float x = 0.0f;
  float width = 0.0f;

  TextDirection direction() const {
    return rightToLeft ? TextDirection::RightToLeft : TextDirection::LeftToRight;
  }
};

/// Whether ImGui draws it rightly with `font`.
bool isPlain(const ImFont* font, const session::TextCluster& cluster);

/// The unit that begins at clusters[first], measured. Where ImGui draws it, it ends at `cuts`, ascending
/// bytes, too; what is wider than `widest` ends earlier, behind its first cluster at the earliest.
TextUnit unitFrom(const PanelContext& context, const ImFont* font, std::string_view bytes,
                  std::span<const session::TextCluster> clusters, std::size_t first,
                  std::span<const std::size_t> cuts, float widest);

/// `turn` of the whole line about `at`, where it begins.
void drawUnit(const PanelContext& context, ImDrawList& list, const ImFont* font, ImVec2 at,
              session::Color color, const TextUnit& unit, TextTurn turn = TextTurn::Level);

/// Turns right-to-left runs of units that stand one behind the other on a line; spaces at the end stay there.
template <typename Unit>
void orderVisually(std::span<Unit> line) {
  for (std::size_t first = 0; first < line.size();) {
    std::size_t end = first;
    while (end < line.size() && line[end].rightToLeft) ++end;
    std::size_t last = end;
    while (last > first && line[last - 1].space) --last;
    if (last > first) {
      float right = line[last - 1].x + line[last - 1].width;
      for (std::size_t unit = first; unit < last; ++unit) {
        right -= line[unit].width;
        line[unit].x = right;
      }
    }
    first = end + 1;
  }
}

}  // namespace headroom::panels
