#pragma once

#include <cstdint>

namespace headroom::vulkan {

/// Ticks from one time stamp to a later one of a queue that counts in `validBits` bits (36 to 64, or 0 for no
/// time stamps) and then begins again at 0. Bits above those are undefined and do not count.
constexpr std::uint64_t ticksBetween(std::uint64_t earlier, std::uint64_t later, std::uint32_t validBits) {
  if (validBits == 0) return 0;
  const std::uint64_t mask = validBits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << validBits) - 1;
  return (later - earlier) & mask;
}

}  // namespace headroom::vulkan
