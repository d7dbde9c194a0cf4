#pragma once

#include <array>

#include "app/session/color_map.h"
#include "app/session/lane.h"

namespace headroom::session {

enum class Theme { Dark, Light };
enum class TypeSize { Standard, Presentation };

/// The one palette that Qt and the ImGui view share.
struct Palette {
  Color window;   ///< behind everything
  Color panel;    ///< a panel's ground
  Color raised;   ///< fields, buttons
  Color hovered;  ///< a raised thing under the cursor
  Color border;
  Color text;
  Color textDim;     ///< labels, units
  Color textFaint;   ///< axes, what is not reached yet
  Color accent;      ///< focus, the step looked at
  Color accentText;  ///< on accent
  Color problem;     ///< ground of an error
  Color mark;        ///< divergence
  Color untrained;   ///< ground beyond the trained context
  Color mapGround;   ///< behind a heat map
  std::array<Color, kMaximumLanes> lanes;
  std::array<Color, 6> traffic;  ///< in the order of analysis::byClass

  /// Of the lane with that LaneRequest::colorIndex.
  Color lane(int colorIndex) const { return lanes[static_cast<std::size_t>(colorIndex) % lanes.size()]; }
};
const Palette& paletteOf(Theme theme);

/// How the application looks just now.
struct Appearance {
  Theme theme = Theme::Dark;
  TypeSize typeSize = TypeSize::Standard;
  int textPercent = kTextPercent.least;  ///< of the usual size

  static constexpr model::Range<int> kTextPercent{100, 200};

  const Palette& palette() const { return paletteOf(theme); }
  /// Size of body text in device-independent pixels; everything else follows from it.
  float textSize() const { return (presentation() ? 22.0f : 13.0f) * scale(); }
  /// What sizes that go with the text's are multiplied by.
  float scale() const { return static_cast<float>(textPercent) / 100.0f; }
  bool presentation() const { return typeSize == TypeSize::Presentation; }
  bool operator==(const Appearance&) const = default;
};

}  // namespace headroom::session
