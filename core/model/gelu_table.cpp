#include "core/model/gelu_table.h"

#include <cmath>

#include "core/model/half_float.h"

namespace headroom::model {

std::vector<std::uint16_t> geluTable() {
  constexpr float kCubic = 0.044715f;
  constexpr float kRootOfTwoOverPi = 0.79788456080286535587989211986876f;
  constexpr std::size_t kHalves = 1u << 16;
  std::vector<std::uint16_t> table(kHalves);
  for (std::size_t bits = 0; bits < kHalves; ++bits) {
    const float x = halfToFloat(static_cast<std::uint16_t>(bits));
    table[bits] = floatToHalf(0.5f * x * (1.0f + std::tanh(kRootOfTwoOverPi * x * (1.0f + kCubic * x * x))));
  }
  return table;
}

double throughGeluTable(const std::vector<std::uint16_t>& table, double x) {
  const auto limit = static_cast<double>(kGeluTableLimit);
  if (x <= -limit) return 0.0;
  if (x >= limit) return x;
  return static_cast<double>(halfToFloat(table[floatToHalf(static_cast<float>(x))]));
}

}  // namespace headroom::model
