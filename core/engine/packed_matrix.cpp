#include "core/engine/packed_matrix.h"

#include <algorithm>
#include <vector>

#include "core/model/tensor.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {
constexpr std::int64_t kBlockRows = 8;
constexpr std::uint64_t kGroupRows = kBlockRows * HEADROOM_ROW_BLOCKS;
/// Rows packed and uploaded at once.
constexpr std::int64_t kSlabRows = 1024;

template <typename Element, typename Convert>
void packSlab(vulkan::Device& device, const vulkan::Buffer& buffer, std::int64_t firstRow,
              std::int64_t slabRows, std::int64_t rows, std::int64_t columns, std::uint64_t paddedColumns,
              const std::function<void(std::int64_t, std::span<float>)>& readRow, Convert convert) {
  std::vector<float> row(static_cast<std::size_t>(columns));
  std::vector<Element> packed(static_cast<std::size_t>(slabRows) * paddedColumns);
  for (std::int64_t local = 0; local < slabRows && firstRow + local < rows; ++local) {
    readRow(firstRow + local, row);
    const std::size_t block = static_cast<std::size_t>(local / kBlockRows) * (paddedColumns / 4);
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::size_t texel = (block + static_cast<std::size_t>(column / 4)) * kBlockRows +
                                static_cast<std::size_t>(local % kBlockRows);
      packed[texel * 4 + static_cast<std::size_t>(column % 4)] =
          convert(row[static_cast<std::size_t>(column)]);
    }
  }
  vulkan::upload(device, buffer, static_cast<std::uint64_t>(firstRow) * paddedColumns * sizeof(Element),
                 std::as_bytes(std::span(packed)));
}
}  // namespace

PackedMatrix::PackedMatrix(vulkan::Device& device, std::int64_t rows, std::int64_t columns,
                           WeightFormat format, const std::string& what,
                           const std::function<void(std::int64_t, std::span<float>)>& readRow)
    : m_rows(rows),
      m_columns(columns),
      m_paddedRows(roundUp(static_cast<std::uint64_t>(rows), kGroupRows)),
      m_paddedColumns(engine::paddedColumns(static_cast<std::uint64_t>(columns))),
      m_elementBytes(format == WeightFormat::F32 ? 4 : 2),
      m_buffer(device, m_paddedRows * m_paddedColumns * m_elementBytes, vulkan::MemoryPlace::Device, what) {
  for (std::int64_t first = 0; first < static_cast<std::int64_t>(m_paddedRows); first += kSlabRows) {
    const std::int64_t slab = std::min(kSlabRows, static_cast<std::int64_t>(m_paddedRows) - first);
    if (format == WeightFormat::F32) {
      packSlab<float>(device, m_buffer, first, slab, rows, columns, m_paddedColumns, readRow,
                      [](float value) { return value; });
    } else {
      packSlab<std::uint16_t>(device, m_buffer, first, slab, rows, columns, m_paddedColumns, readRow,
                              [](float value) { return model::floatToHalf(value); });
    }
  }
  m_view = vulkan::TexelView(
      device, m_buffer,
      format == WeightFormat::F32 ? VK_FORMAT_R32G32B32A32_SFLOAT : VK_FORMAT_R16G16B16A16_SFLOAT, 0,
      m_buffer.bytes());
}

std::uint32_t PackedMatrix::workgroups() const {
  return static_cast<std::uint32_t>(m_paddedRows / kGroupRows);
}

std::uint64_t PackedMatrix::logicalBytes() const {
  return static_cast<std::uint64_t>(m_rows) * static_cast<std::uint64_t>(m_columns) * m_elementBytes;
}

}  // namespace headroom::engine
