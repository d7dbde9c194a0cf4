#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "core/vulkan/buffer.h"

namespace headroom::engine {

/// How weights lie on the device.
enum class WeightFormat { F32, F16 };

constexpr std::uint64_t roundUp(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Columns of every activation and weight row on the device: a multiple of 8 lanes x 4 floats, zeros behind.
constexpr std::uint64_t paddedColumns(std::uint64_t columns) {
  return roundUp(columns, 32);
}

/// A weight matrix on the device in the order the projection kernels read it,
/// [row / 8][column / 4][row % 8][4], padded with zeros to whole workgroups.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// `readRow(row, out)` gives one source row of `columns` floats; a negative result row is not asked for.
  /// Throws vulkan::Error when it does not fit the device.
  PackedMatrix(vulkan::Device& device, std::int64_t rows, std::int64_t columns, WeightFormat format,
               const std::string& what, const std::function<void(std::int64_t, std::span<float>)>& readRow);

  const vulkan::TexelView& view() const { return m_view; }
  std::int64_t rows() const { return m_rows; }
  std::int64_t columns() const { return m_columns; }
  std::uint32_t columns4() const { return static_cast<std::uint32_t>(m_paddedColumns / 4); }
  /// Workgroups that cover all rows.
  std::uint32_t workgroups() const;
  /// Bytes of the whole matrix with its padding, which is what the kernels load.
  std::uint64_t paddedBytes() const { return m_paddedRows * m_paddedColumns * m_elementBytes; }
  /// Bytes without padding.
  std::uint64_t logicalBytes() const;
  std::uint64_t elementBytes() const { return m_elementBytes; }
  std::uint64_t allocatedBytes() const { return m_buffer.allocatedBytes(); }

 private:
  std::int64_t m_rows = 0;
  std::int64_t m_columns = 0;
  std::uint64_t m_paddedRows = 0;
  std::uint64_t m_paddedColumns = 0;
  std::uint64_t m_elementBytes = 4;
  vulkan::Buffer m_buffer;
  vulkan::TexelView m_view;
};

}  // namespace headroom::engine
