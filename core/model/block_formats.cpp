#include "core/model/block_formats.h"

#include <cassert>
#include <cstring>

#include "core/model/half_float.h"

// Inner loops run over 16 or 32 elements without branches, so that they become vector code.
namespace headroom::model {

namespace {

constexpr int kSmall = 32;   // elements of a block of the Q_0 and Q_1 formats
constexpr int kSuper = 256;  // of a block of the K formats

constexpr StorageFormat kFormats[] = {
    {Storage::F32, "F32", 0, 1, 4},
    {Storage::F16, "F16", 1, 1, 2},
    {Storage::Q8_0, "Q8_0", 8, kQ8BlockElements, kQ8BlockBytes, 0, 1},
    {Storage::BF16, "BF16", 30, 1, 2},
    {Storage::Q4_0, "Q4_0", 2, kSmall, 18, 0, 1},
    {Storage::Q4_1, "Q4_1", 3, kSmall, 20, 0, 2},
    {Storage::Q5_0, "Q5_0", 6, kSmall, 22, 0, 1},
    {Storage::Q5_1, "Q5_1", 7, kSmall, 24, 0, 2},
    {Storage::Q2_K, "Q2_K", 10, kSuper, 84, 80, 2},
    {Storage::Q3_K, "Q3_K", 11, kSuper, 110, 108, 1},
    {Storage::Q4_K, "Q4_K", 12, kSuper, 144, 0, 2},
    {Storage::Q5_K, "Q5_K", 13, kSuper, 176, 0, 2},
    {Storage::Q6_K, "Q6_K", 14, kSuper, 210, 208, 1},
};

std::uint16_t loadBits(const std::uint8_t* from) {
  std::uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return bits;
}

float loadHalf(const std::uint8_t* from) {
  return halfToFloat(loadBits(from));
}

void decodeF16(const std::uint8_t* source, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = loadHalf(source + 2 * i);
}

void decodeBf16(const std::uint8_t* source, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = bfloat16ToFloat(loadBits(source + 2 * i));
}

// [f16 scale][32 signed bytes]
void decodeQ8(const std::uint8_t* block, float* out) {
  const float scale = loadHalf(block);
  for (int i = 0; i < kSmall; ++i)
    out[i] = scale * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
}

// 16 bytes hold elements 0 to 15 in their lower halves and 16 to 31 in their upper ones.
template <typename ValueOf>
void decodeNibbles(const std::uint8_t* nibbles, float* out, ValueOf valueOf) {
  for (int i = 0; i < kSmall / 2; ++i) {
    out[i] = valueOf(static_cast<float>(nibbles[i] & 15));
    out[i + kSmall / 2] = valueOf(static_cast<float>(nibbles[i] >> 4));
  }
}

// [f16 scale][16 bytes of nibbles]
void decodeQ4_0(const std::uint8_t* block, float* out) {
  decodeNibbles(block + 2, out, [scale = loadHalf(block)](float q) { return scale * (q - 8.0f); });
}

// [f16 scale][f16 minimum][16 bytes of nibbles]
void decodeQ4_1(const std::uint8_t* block, float* out) {
  decodeNibbles(block + 4, out, [scale = loadHalf(block), minimum = loadHalf(block + 2)](float q) {
    return scale * q + minimum;
  });
}

// As decodeNibbles; bit i of the 32 high bits is the fifth bit of element i.
template <typename ValueOf>
void decodeFiveBits(const std::uint8_t* highBits, const std::uint8_t* nibbles, float* out, ValueOf valueOf) {
  std::uint32_t high;
  std::memcpy(&high, highBits, sizeof high);
  for (int i = 0; i < kSmall / 2; ++i) {
    out[i] = valueOf(static_cast<float>(static_cast<int>((nibbles[i] & 15u) | (high >> i & 1u) << 4)));
    out[i + kSmall / 2] = valueOf(
        static_cast<float>(static_cast<int>((nibbles[i] >> 4 & 15u) | (high >> (i + kSmall / 2) & 1u) << 4)));
  }
}

// [f16 scale][32 high bits][16 bytes of nibbles]
void decodeQ5_0(const std::uint8_t* block, float* out) {
  decodeFiveBits(block + 2, block + 6, out,
                 [scale = loadHalf(block)](float q) { return scale * (q - 16.0f); });
}

// [f16 scale][f16 minimum][32 high bits][16 bytes of nibbles]
void decodeQ5_1(const std::uint8_t* block, float* out) {
  decodeFiveBits(
      block + 4, block + 8, out,
      [scale = loadHalf(block), minimum = loadHalf(block + 2)](float q) { return scale * q + minimum; });
}

// [16 bytes: scale | minimum << 4 of a group of 16][64 bytes of 2 bits][f16 scale][f16 minimum]. Each half of
// the block keeps its 128 elements in 32 bytes: 32 elements in the lowest bits of all bytes, and so on.
void decodeQ2K(const std::uint8_t* block, float* out) {
  const float scale = loadHalf(block + 80);
  const float minimum = loadHalf(block + 82);
  for (int group = 0; group < 16; ++group) {
    const float groupScale = scale * static_cast<float>(block[group] & 15);
    const float groupMinimum = minimum * static_cast<float>(block[group] >> 4);
    const std::uint8_t* bits = block + 16 + group / 8 * 32 + group % 2 * 16;
    const int shift = group / 2 % 4 * 2;
    for (int i = 0; i < 16; ++i) {
      out[group * 16 + i] = groupScale * static_cast<float>(bits[i] >> shift & 3) - groupMinimum;
    }
  }
}

// [32 bytes: bit g of byte i is the third bit of element 32 g + i][64 bytes of 2 bits as in Q2_K]
// [12 bytes: 16 scales of 6 bits, the lower four in the halves of 8 bytes, the upper two in 4][f16 scale]
void decodeQ3K(const std::uint8_t* block, float* out) {
  const float scale = loadHalf(block + 108);
  const std::uint8_t* scales = block + 96;
  for (int group = 0; group < 16; ++group) {
    const int lower = scales[group % 8] >> (group / 8 * 4) & 15;
    const int upper = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    const float groupScale = scale * static_cast<float>((lower | upper << 4) - 32);
    const std::uint8_t* high = block + group % 2 * 16;
    const std::uint8_t* bits = block + 32 + group / 8 * 32 + group % 2 * 16;
    const int shift = group / 2 % 4 * 2;
    for (int i = 0; i < 16; ++i) {
      const int value = (bits[i] >> shift & 3) | (high[i] >> (group / 2) & 1) << 2;
      out[group * 16 + i] = groupScale * static_cast<float>(value - 4);
    }
  }
}

struct GroupScale {
  float scale = 0.0f;
  float minimum = 0.0f;
};

// 12 bytes hold 8 scales and 8 minima of 6 bits: those of groups 0 to 3 whole, with the upper two bits of
// groups 4 to 7 above them; the lower four bits of those in the last 4 bytes.
GroupScale unpackGroup(const std::uint8_t* packed, int group) {
  if (group < 4) {
    return {static_cast<float>(packed[group] & 63), static_cast<float>(packed[group + 4] & 63)};
  }
  return {static_cast<float>((packed[group + 4] & 15) | packed[group - 4] >> 6 << 4),
          static_cast<float>(packed[group + 4] >> 4 | packed[group] >> 6 << 4)};
}

// [f16 scale][f16 minimum][12 bytes, see unpackGroup][128 bytes of nibbles]: 32 bytes hold two groups of 32.
void decodeQ4K(const std::uint8_t* block, float* out) {
  const float scale = loadHalf(block);
  const float minimum = loadHalf(block + 2);
  for (int group = 0; group < 8; ++group) {
    const GroupScale packed = unpackGroup(block + 4, group);
    const float groupScale = scale * packed.scale;
    const float groupMinimum = minimum * packed.minimum;
    const std::uint8_t* bits = block + 16 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      out[group * 32 + i] = groupScale * static_cast<float>(bits[i] >> shift & 15) - groupMinimum;
    }
  }
}

// As Q4_K, with 32 bytes before the nibbles: bit g of byte i is the fifth bit of element 32 g + i.
void decodeQ5K(const std::uint8_t* block, float* out) {
  const float scale = loadHalf(block);
  const float minimum = loadHalf(block + 2);
  const std::uint8_t* high = block + 16;
  for (int group = 0; group < 8; ++group) {
    const GroupScale packed = unpackGroup(block + 4, group);
    const float groupScale = scale * packed.scale;
    const float groupMinimum = minimum * packed.minimum;
    const std::uint8_t* bits = block + 48 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      const int value = (bits[i] >> shift & 15) | (high[i] >> group & 1) << 4;
      out[group * 32 + i] = groupScale * static_cast<float>(value) - groupMinimum;
    }
  }
}

// [128 bytes of nibbles][64 bytes of 2 bits][16 signed scales][f16 scale]. Each half of the block keeps its
// 128 elements in 64 bytes of nibbles, elements 0 to 63 in the lower ones, and 32 bytes of upper bits.
void decodeQ6K(const std::uint8_t* block, float* out) {
  const float scale = loadHalf(block + 208);
  for (int group = 0; group < 16; ++group) {
    const float groupScale = scale * static_cast<float>(static_cast<std::int8_t>(block[192 + group]));
    const int half = group / 8;
    const std::uint8_t* low = block + half * 64 + group % 4 * 16;
    const std::uint8_t* high = block + 128 + half * 32 + group % 2 * 16;
    const int lowShift = group / 4 % 2 * 4;
    const int highShift = group / 2 % 4 * 2;
    for (int i = 0; i < 16; ++i) {
      const int value = (low[i] >> lowShift & 15) | (high[i] >> highShift & 3) << 4;
      out[group * 16 + i] = groupScale * static_cast<float>(value - 32);
    }
  }
}

template <typename DecodeBlock>
void decodeBlocks(Storage storage, const std::uint8_t* source, std::span<float> out, DecodeBlock decode) {
  const StorageFormat& format = formatOf(storage);
  const auto elements = static_cast<std::size_t>(format.blockElements);
  assert(out.size() % elements == 0);
  for (std::size_t at = 0; at < out.size(); at += elements, source += format.blockBytes) {
    decode(source, out.data() + at);
  }
}

}  // namespace

std::span<const StorageFormat> storageFormats() {
  return kFormats;
}

const StorageFormat& formatOf(Storage storage) {
  const StorageFormat& format = kFormats[static_cast<std::size_t>(storage)];
  assert(format.storage == storage);
  return format;
}

std::string_view shortName(Storage storage) {
  return formatOf(storage).name;
}

int blockElements(Storage storage) {
  return formatOf(storage).blockElements;
}

std::uint64_t rowBytes(Storage storage, std::uint64_t columns) {
  const StorageFormat& format = formatOf(storage);
  return columns / static_cast<std::uint64_t>(format.blockElements) *
         static_cast<std::uint64_t>(format.blockBytes);
}

void decodeRow(Storage storage, const std::byte* source, std::span<float> out) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(source);
  switch (storage) {
    case Storage::F32:
      return static_cast<void>(std::memcpy(out.data(), source, out.size_bytes()));
    case Storage::F16:
      return decodeF16(bytes, out.data(), out.size());
    case Storage::Q8_0:
      return decodeBlocks(storage, bytes, out, decodeQ8);
    case Storage::BF16:
      return decodeBf16(bytes, out.data(), out.size());
    case Storage::Q4_0:
      return decodeBlocks(storage, bytes, out, decodeQ4_0);
    case Storage::Q4_1:
      return decodeBlocks(storage, bytes, out, decodeQ4_1);
    case Storage::Q5_0:
      return decodeBlocks(storage, bytes, out, decodeQ5_0);
    case Storage::Q5_1:
      return decodeBlocks(storage, bytes, out, decodeQ5_1);
    case Storage::Q2_K:
      return decodeBlocks(storage, bytes, out, decodeQ2K);
    case Storage::Q3_K:
      return decodeBlocks(storage, bytes, out, decodeQ3K);
    case Storage::Q4_K:
      return decodeBlocks(storage, bytes, out, decodeQ4K);
    case Storage::Q5_K:
      return decodeBlocks(storage, bytes, out, decodeQ5K);
    case Storage::Q6_K:
      return decodeBlocks(storage, bytes, out, decodeQ6K);
  }
}

}  // namespace headroom::model
