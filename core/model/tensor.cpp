#include "core/model/tensor.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace headroom::model {

namespace {
void appendBits(std::uint16_t bits, std::string& out) {
  out.append(reinterpret_cast<const char*>(&bits), sizeof bits);
}

void appendQ8(std::span<const float> row, std::string& out) {
  for (std::size_t start = 0; start < row.size(); start += kQ8BlockElements) {
    const auto block = row.subspan(start, kQ8BlockElements);
    float largest = 0.0f;
    for (float value : block) largest = std::max(largest, std::abs(value));
    const float scale = largest / 127.0f;
    appendBits(floatToHalf(scale), out);
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
      for (float value : row) appendBits(floatToHalf(value), out);
      break;
    case Storage::BF16:
      for (float value : row) appendBits(floatToBfloat16(value), out);
      break;
    case Storage::Q8_0:
      appendQ8(row, out);
      break;
    default:
      assert(false);
  }
}

void Tensor::readRow(std::int64_t row, std::span<float> out) const {
  assert(row >= 0 && row < rows && static_cast<std::int64_t>(out.size()) == columns);
  const std::uint64_t stride = rowBytes(storage, static_cast<std::uint64_t>(columns));
  decodeRow(storage, bytes.data() + stride * static_cast<std::uint64_t>(row), out);
}

std::vector<float> Tensor::toFloat() const {
  std::vector<float> values(static_cast<std::size_t>(elementCount()));
  for (std::int64_t row = 0; row < rows; ++row) {
    readRow(row, std::span(values).subspan(static_cast<std::size_t>(row * columns),
                                           static_cast<std::size_t>(columns)));
  }
  return values;
}

Tensor Tensor::rowsFrom(std::int64_t first, std::int64_t count) const {
  assert(first >= 0 && count >= 0 && first <= rows - count);
  const std::uint64_t stride = rowBytes(storage, static_cast<std::uint64_t>(columns));
  return {
      storage, count, columns,
      bytes.subspan(stride * static_cast<std::uint64_t>(first), stride * static_cast<std::uint64_t>(count))};
}

Tensor Tensor::columnsFrom(std::int64_t first, std::int64_t count) const {
  assert(rows == 1 && first >= 0 && count >= 0 && first <= columns - count);
  assert(first % blockElements(storage) == 0 && count % blockElements(storage) == 0);
  return {storage, 1, count,
          bytes.subspan(rowBytes(storage, static_cast<std::uint64_t>(first)),
                        rowBytes(storage, static_cast<std::uint64_t>(count)))};
}

}  // namespace headroom::model
