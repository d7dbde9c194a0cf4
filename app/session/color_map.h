#pragma once

#include "core/analysis/color_map.h"

namespace headroom::session {

// Colours are core/analysis' business; views know them by these names.
using analysis::Color;
using analysis::ColorMap;
using analysis::colorMapName;
using analysis::colorOf;
using analysis::kColorMapCount;
using analysis::kLogarithmicFloor;
using analysis::kMapScaleCount;
using analysis::MapScale;
using analysis::mapScaleName;
using analysis::mix;
using analysis::rgb;
using analysis::scaled;
using analysis::withAlpha;

}  // namespace headroom::session
