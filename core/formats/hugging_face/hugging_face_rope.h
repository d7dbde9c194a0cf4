#pragma once

#include "core/formats/json/json_object.h"
#include "core/model/rope.h"

namespace headroom::formats {

/// What a config.json says of rotary positions.
struct HuggingFaceRope {
  double base = 10000.0;
  double rotatedPart = 1.0;  ///< of a head
  model::RopeScaling scaling;
};

/// Reads rope_theta, rope_scaling and their like, or the newer rope_parameters that holds them all.
/// `usualPart` is the rotated part where nothing is said. Throws model::Error for scalings that RopeScaling
/// cannot express.
HuggingFaceRope readHuggingFaceRope(const JsonObject& config, int contextLength, double usualPart);

}  // namespace headroom::formats
