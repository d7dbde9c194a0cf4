#pragma once

#include <bit>
#include <cstdint>

namespace headroom::model {

/// IEEE 754 binary16, exactly. Without branches, so that loops over it become vector code.
inline float halfToFloat(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t magnitude = half & 0x7FFFu;
  // A subnormal is mantissa x 2^-24: placed as the mantissa of 0.5, whose last bit weighs 2^-24.
  const auto subnormal = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude | 0x3F000000u) - 0.5f);
  const std::uint32_t normal = (magnitude << 13) + (magnitude < 0x7C00u ? 0x38000000u : 0x70000000u);
  const std::uint32_t isSubnormal = magnitude < 0x0400u ? ~0u : 0u;
  return std::bit_cast<float>(sign | (subnormal & isSubnormal) | (normal & ~isSubnormal));
}

/// Round to nearest even; overflow gives infinity.
std::uint16_t floatToHalf(float value);

/// BF16 is the upper half of a binary32.
inline float bfloat16ToFloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Round to nearest even; overflow gives infinity.
std::uint16_t floatToBfloat16(float value);

}  // namespace headroom::model
