#pragma once

#include <cmath>
#include <span>
#include <string>

#include "core/model/stage.h"

namespace headroom::model {

/// Index of the first value that is NaN or infinite; values.size() when all are finite.
template <typename Number>
std::size_t firstNonFinite(std::span<const Number> values) {
  std::size_t index = 0;
  while (index < values.size() && std::isfinite(values[index])) ++index;
  return index;
}

/// Why a lane stops: `stage` of `layer` (-1: of none) is the first that gave `value`, for the token at
/// `position`.
std::string nonFiniteSentence(Stage stage, int layer, int position, double value);

}  // namespace headroom::model
