#include "core/formats/weight_scan.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace headroom::formats {

namespace {
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
}  // namespace

std::int64_t firstNonFinite(const model::Tensor& tensor) {
  constexpr std::uint16_t kHalfExponent = 0x7C00;
  switch (tensor.storage) {
    case model::Storage::F32:
      return firstWithFullExponent<std::uint32_t>(tensor.bytes, 0x7F800000u);
    case model::Storage::F16:
      return firstWithFullExponent<std::uint16_t>(tensor.bytes, kHalfExponent);
    case model::Storage::Q8_0: {
      const std::uint64_t blockBytes = model::rowBytes(model::Storage::Q8_0, 32);
      for (std::uint64_t block = 0; block * blockBytes < tensor.bytes.size(); ++block) {
        std::uint16_t scale;
        std::memcpy(&scale, tensor.bytes.data() + block * blockBytes, sizeof scale);
        if ((scale & kHalfExponent) == kHalfExponent) return static_cast<std::int64_t>(block * 32);
      }
      return -1;
    }
  }
  return -1;
}

}  // namespace headroom::formats
