#include "core/model/finite.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>

namespace headroom::model {

std::string nonFiniteSentence(Stage stage, int layer, int position, double value) {
  const std::string where =
      layer < 0 ? std::string(stageName(stage)) : fmt::format("{} of layer {}", stageName(stage), layer);
  const char* found = std::isnan(value) ? "NaN" : value > 0.0 ? "infinity" : "minus infinity";
  return fmt::format(
      "There is no next token after position {}: {} is the first stage that gave {} where a finite number "
      "was "
      "expected; what was decoded before stays.",
      position, where, found);
}

}  // namespace headroom::model
