#include "core/formats/weight_scan.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace headroom::formats {

namespace {
constexpr std::uint16_t kHalfExponent = 0x7C00;

/// First index of a word whose exponent bits are all ones. Whole chunks are tested without branches, which
/// the compiler turns into vector code; only a chunk that has one is searched.
template <typename Word>
std::int64_t firstWithFullExponent(std::span<const std::byte> bytes, Word exponentMask) {
  constexpr std::size_t kChunk = 4096 / sizeof(Word);
  const std::size_t count = bytes.size() / sizeof(Word);
  std::array<Word, kChunk> chunk;
  for (std::size_t start = 0; start < count; start += kChunk) {
    const std::size_t length = std::min(kChunk, count - start);
    std::memcpy(chunk.data(), bytes.data() + start * sizeof(Word), length * sizeof(Word));
    bool found = false;
    for (std::size_t i = 0; i < length; ++i) found |= (chunk[i] & exponentMask) == exponentMask;
    if (!found) continue;
    for (std::size_t i = 0; i < length; ++i) {
      if ((chunk[i] & exponentMask) == exponentMask) return static_cast<std::int64_t>(start + i);
    }
  }
  return -1;
}
/// First element of the first block with a scale that is not finite.
std::int64_t firstWithBadScale(std::span<const std::byte> bytes, const model::StorageFormat& format) {
  const auto blockBytes = static_cast<std::size_t>(format.blockBytes);
  for (std::size_t block = 0; block < bytes.size() / blockBytes; ++block) {
    const std::byte* scales = bytes.data() + block * blockBytes + format.scaleOffset;
    for (int i = 0; i < format.scaleCount; ++i) {
      std::uint16_t scale;
      std::memcpy(&scale, scales + 2 * i, sizeof scale);
      if ((scale & kHalfExponent) == kHalfExponent) {
        return static_cast<std::int64_t>(block) * format.blockElements;
      }
    }
  }
  return -1;
}
}  // namespace

std::int64_t firstNonFinite(const model::Tensor& tensor) {
  switch (tensor.storage) {
    case model::Storage::F32:
      return firstWithFullExponent<std::uint32_t>(tensor.bytes, 0x7F800000u);
    case model::Storage::F16:
      return firstWithFullExponent<std::uint16_t>(tensor.bytes, kHalfExponent);
    case model::Storage::BF16:
      return firstWithFullExponent<std::uint16_t>(tensor.bytes, 0x7F80);
    default:
      return firstWithBadScale(tensor.bytes, model::formatOf(tensor.storage));
  }
}

}  // namespace headroom::formats
