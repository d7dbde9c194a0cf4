#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/model/block_formats.h"
#include "core/model/half_float.h"

namespace headroom::model {

/// Appends one row as `storage` keeps it, rounded to nearest: F32, F16, BF16, or Q8_0, which takes the scale
/// that makes the largest of a block 127.
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
  /// A view of `count` rows from row `first` on.
  Tensor rowsFrom(std::int64_t first, std::int64_t count) const;
  /// A view of `count` elements of a vector; `first` and `count` are multiples of blockElements().
  Tensor columnsFrom(std::int64_t first, std::int64_t count) const;
};

}  // namespace headroom::model
