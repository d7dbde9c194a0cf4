#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::model {

/// How a tensor's elements are stored in a file.
enum class Storage {
  F32,
  F16,
  Q8_0,  ///< blocks of 32: one f16 scale, 32 signed bytes; element = scale x byte
};

std::string_view shortName(Storage storage);

/// Bytes of one row of `columns` elements. Q8_0 needs columns to be a multiple of 32.
std::uint64_t rowBytes(Storage storage, std::uint64_t columns);

float halfToFloat(std::uint16_t half);
/// Round to nearest even; overflow gives infinity.
std::uint16_t floatToHalf(float value);

/// Appends one row as `storage` keeps it, rounded to nearest. Q8_0 takes the scale that makes the largest of
/// a block 127.
void appendRow(Storage storage, std::span<const float> row, std::string& out);

/// A matrix [rows][columns] (a vector is [1][columns]) in memory that someone else owns. A weight W maps x of
/// [columns] to y of [rows].
struct Tensor {
  Storage storage = Storage::F32;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::span<const std::byte> bytes;

  bool empty() const { return bytes.empty(); }
  std::int64_t elementCount() const { return rows * columns; }
  /// Dequantises one row into `out` of [columns].
  void readRow(std::int64_t row, std::span<float> out) const;
  /// All rows, dequantised: [rows][columns].
  std::vector<float> toFloat() const;
};

}  // namespace headroom::model
