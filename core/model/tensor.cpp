#include "core/model/tensor.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

namespace headroom::model {

namespace {
constexpr int kQ8BlockSize = 32;
constexpr int kQ8BlockBytes = 2 + kQ8BlockSize;

std::uint16_t loadHalf(const std::byte* from) {
  std::uint16_t half;
  std::memcpy(&half, from, sizeof half);
  return half;
}
}  // namespace

std::string_view shortName(Storage storage) {
  switch (storage) {
    case Storage::F32:
      return "F32";
    case Storage::F16:
      return "F16";
    case Storage::Q8_0:
      return "Q8_0";
  }
  return "";
}

std::uint64_t rowBytes(Storage storage, std::uint64_t columns) {
  switch (storage) {
    case Storage::F32:
      return columns * 4;
    case Storage::F16:
      return columns * 2;
    case Storage::Q8_0:
      return columns / kQ8BlockSize * kQ8BlockBytes;
  }
  return 0;
}

float halfToFloat(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1Fu;
  const std::uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t exponent32 = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | (exponent32 << 23) | (mantissa << 13));
}

std::uint16_t floatToHalf(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return sign | 0x7E00u;   // NaN
  if (magnitude >= 0x477FF000u) return sign | 0x7C00u;  // rounds to 65536 or is infinite
  if (magnitude < 0x38800000u) {                        // subnormal half: a multiple of 2^-24
    const float scaled = std::ldexp(std::bit_cast<float>(magnitude), 24);
    return sign | static_cast<std::uint16_t>(std::nearbyint(scaled));
  }
  const std::uint32_t rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u);
  return sign | static_cast<std::uint16_t>((rounded - 0x38000000u) >> 13);
}

namespace {
void appendHalf(float value, std::string& out) {
  const std::uint16_t half = floatToHalf(value);
  out.append(reinterpret_cast<const char*>(&half), sizeof half);
}

void appendQ8(std::span<const float> row, std::string& out) {
  for (std::size_t start = 0; start < row.size(); start += kQ8BlockSize) {
    const auto block = row.subspan(start, kQ8BlockSize);
    float largest = 0.0f;
    for (float value : block) largest = std::max(largest, std::abs(value));
    const float scale = largest / 127.0f;
    appendHalf(scale, out);
    for (float value : block) {
      const float steps = scale > 0.0f ? std::round(value / scale) : 0.0f;
      out.push_back(static_cast<char>(static_cast<std::int8_t>(steps)));
    }
  }
}
}  // namespace

void appendRow(Storage storage, std::span<const float> row, std::string& out) {
  switch (storage) {
    case Storage::F32:
      out.append(reinterpret_cast<const char*>(row.data()), row.size_bytes());
      break;
    case Storage::F16:
      for (float value : row) appendHalf(value, out);
      break;
    case Storage::Q8_0:
      appendQ8(row, out);
      break;
  }
}

void Tensor::readRow(std::int64_t row, std::span<float> out) const {
  assert(row >= 0 && row < rows && static_cast<std::int64_t>(out.size()) == columns);
  const std::uint64_t stride = rowBytes(storage, static_cast<std::uint64_t>(columns));
  const std::byte* source = bytes.data() + stride * static_cast<std::uint64_t>(row);
  switch (storage) {
    case Storage::F32:
      std::memcpy(out.data(), source, stride);
      break;
    case Storage::F16:
      for (std::int64_t column = 0; column < columns; ++column) {
        out[column] = halfToFloat(loadHalf(source + 2 * column));
      }
      break;
    case Storage::Q8_0:
      for (std::int64_t column = 0; column < columns; column += kQ8BlockSize, source += kQ8BlockBytes) {
        const float scale = halfToFloat(loadHalf(source));
        for (int i = 0; i < kQ8BlockSize; ++i) {
          out[column + i] = scale * static_cast<float>(static_cast<std::int8_t>(source[2 + i]));
        }
      }
      break;
  }
}

std::vector<float> Tensor::toFloat() const {
  std::vector<float> values(static_cast<std::size_t>(elementCount()));
  for (std::int64_t row = 0; row < rows; ++row) {
    readRow(row, std::span(values).subspan(static_cast<std::size_t>(row * columns),
                                           static_cast<std::size_t>(columns)));
  }
  return values;
}

}  // namespace headroom::model
