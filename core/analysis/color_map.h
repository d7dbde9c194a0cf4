#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace headroom::analysis {

struct Color {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  std::uint8_t alpha = 255;

  bool operator==(const Color&) const = default;
};

constexpr Color rgb(std::uint32_t hex) {
  return {static_cast<std::uint8_t>(hex >> 16), static_cast<std::uint8_t>(hex >> 8),
          static_cast<std::uint8_t>(hex)};
}
constexpr Color withAlpha(Color color, double alpha) {
  color.alpha = static_cast<std::uint8_t>(alpha * 255.0 + 0.5);
  return color;
}
/// `a` at amount 0, `b` at 1.
Color mix(Color a, Color b, double amount);

/// Of the lanes, from the set of M. Okabe and K. Ito, which stays apart with every common colour blindness:
/// as lines and words on a dark and on a light ground.
inline constexpr std::array<Color, 4> kLaneColorsOnDark{rgb(0x56B4E9), rgb(0xE69F00), rgb(0xCC79A7),
                                                        rgb(0xF0E442)};
inline constexpr std::array<Color, 4> kLaneColorsOnLight{rgb(0x0072B2), rgb(0xB86A00), rgb(0xA8437F),
                                                         rgb(0x6B6A00)};

/// Perceptually uniform, readable with every common colour blindness.
enum class ColorMap {
  Viridis,
  Cividis,
  Magma,
  Diverging,  ///< of signed values: blue, below the middle, to red
};
/// Those that attention can be shown in; the last is that of differences.
inline constexpr int kColorMapCount = 3;
inline constexpr int kAllColorMapCount = 4;
std::string_view colorMapName(ColorMap map);
/// Colour of `value` in 0..1.
Color colorOf(ColorMap map, double value);

/// How attention becomes a value in 0..1.
enum class MapScale {
  Linear,       ///< 0 to 1
  Logarithmic,  ///< kLogarithmicFloor to 1
  SinkHidden,   ///< linear without position 0, stretched to the largest value of the rest
};
inline constexpr int kMapScaleCount = 3;
std::string_view mapScaleName(MapScale scale);

/// How a map is shown, until somebody chooses otherwise.
struct MapLook {
  MapScale scale = MapScale::Logarithmic;
  ColorMap colors = ColorMap::Viridis;
};
/// Attention that a logarithmic scale shows as 0.
inline constexpr float kLogarithmicFloor = 1e-4f;
/// `maximum` is the attention that a stretched scale shows as 1.
double scaled(MapScale scale, double attention, double maximum);
/// The same of a difference: 0.5 is none, its size is scaled to either side.
double scaledDifference(MapScale scale, double difference, double maximum);

}  // namespace headroom::analysis
