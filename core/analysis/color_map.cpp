#include "core/analysis/color_map.h"

#include <algorithm>
#include <cmath>

namespace headroom::analysis {

namespace {

constexpr int kStopCount = 10;
// Ten equally spaced colours of each map: viridis and magma by S. van der Walt and N. Smith (2015, CC0),
// cividis by J. Nunez, C. Anderton and R. Renslow (2018). Diverging: RdBu of ColorBrewer 2.0 (C. Brewer,
// 2002).
constexpr std::array<std::array<std::uint32_t, kStopCount>, kAllColorMapCount> kStops{{
    {0x440154, 0x482878, 0x3E4A89, 0x31688E, 0x26828E, 0x1F9E89, 0x35B779, 0x6DCD59, 0xB4DE2C, 0xFDE725},
    {0x00204D, 0x00336F, 0x39486B, 0x575C6D, 0x707173, 0x8A8779, 0xA69D75, 0xC4B56C, 0xE4CF5B, 0xFFEA46},
    {0x000004, 0x180F3E, 0x451077, 0x721F81, 0x9F2F7F, 0xCD4071, 0xF1605D, 0xFD9567, 0xFEC98D, 0xFCFDBF},
    {0x053061, 0x2166AC, 0x4393C3, 0x92C5DE, 0xD1E5F0, 0xFDDBC7, 0xF4A582, 0xD6604D, 0xB2182B, 0x67001F},
}};

std::uint8_t mixChannel(std::uint8_t a, std::uint8_t b, double amount) {
  return static_cast<std::uint8_t>(std::lround(a + (b - a) * amount));
}

}  // namespace

Color mix(Color a, Color b, double amount) {
  return {mixChannel(a.red, b.red, amount), mixChannel(a.green, b.green, amount),
          mixChannel(a.blue, b.blue, amount), mixChannel(a.alpha, b.alpha, amount)};
}

std::string_view colorMapName(ColorMap map) {
  constexpr std::array<std::string_view, kAllColorMapCount> kNames{"viridis", "cividis", "magma",
                                                                   "diverging"};
  return kNames[static_cast<std::size_t>(map)];
}

Color colorOf(ColorMap map, double value) {
  const auto& stops = kStops[static_cast<std::size_t>(map)];
  const double at = std::clamp(value, 0.0, 1.0) * (kStopCount - 1);
  const int below = std::min(static_cast<int>(at), kStopCount - 2);
  return mix(rgb(stops[static_cast<std::size_t>(below)]), rgb(stops[static_cast<std::size_t>(below + 1)]),
             at - below);
}

std::string_view mapScaleName(MapScale scale) {
  constexpr std::array<std::string_view, kMapScaleCount> kNames{"linear", "logarithmic", "sink-hidden"};
  return kNames[static_cast<std::size_t>(scale)];
}

double scaled(MapScale scale, double attention, double maximum) {
  switch (scale) {
    case MapScale::Linear:
      return std::clamp(attention, 0.0, 1.0);
    case MapScale::Logarithmic:
      return attention <= kLogarithmicFloor ? 0.0
                                            : 1.0 - std::log(attention) / std::log(double{kLogarithmicFloor});
    case MapScale::SinkHidden:
      return maximum > 0.0 ? std::clamp(attention / maximum, 0.0, 1.0) : 0.0;
  }
  return 0.0;
}

double scaledDifference(MapScale scale, double difference, double maximum) {
  const double size = scaled(scale, std::abs(difference), maximum);
  return 0.5 + 0.5 * std::copysign(size, difference);
}

}  // namespace headroom::analysis
