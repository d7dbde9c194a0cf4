#include "core/engine/device_matrix.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <map>
#include <vector>

namespace headroom::engine {

namespace {

using model::KernelFamily;
using model::Storage;

constexpr std::uint64_t kQ8Columns = model::kQ8BlockElements;
constexpr std::uint64_t kQ8BlockBytes = model::kQ8BlockBytes;
/// Rows laid out and uploaded at once; a multiple of all workgroups' rows.
constexpr std::uint64_t kSlabRows = 512;

std::uint64_t elementBytes(Storage storage) {
  return storage == Storage::F32 ? 4 : storage == Storage::F16 ? 2 : 1;
}

VkFormat texelFormat(Storage storage) {
  switch (storage) {
    case Storage::F32:
      return VK_FORMAT_R32G32B32A32_SFLOAT;
    case Storage::F16:
      return VK_FORMAT_R16G16B16A16_SFLOAT;
    default:
      return VK_FORMAT_R8G8B8A8_SNORM;
  }
}

/// One row in the elements of the device, without scales: [columns] of 4, 2 or 1 bytes.
class RowReader {
 public:
  RowReader(Storage storage, std::uint64_t columns)
      : m_storage(storage), m_floats(columns), m_bytes(columns * elementBytes(storage)) {}

  const std::vector<std::byte>& read(const RowReference& source) {
    if (source.tensor == nullptr) {
      std::ranges::fill(m_bytes, std::byte{0});
    } else if (m_storage == Storage::F32) {
      source.tensor->readRow(source.row, m_floats);
      std::memcpy(m_bytes.data(), m_floats.data(), m_bytes.size());
    } else if (m_storage == Storage::F16) {
      readHalves(source);
    } else {
      const std::byte* block = rawRow(source);
      for (std::size_t column = 0; column < m_bytes.size(); column += kQ8Columns, block += kQ8BlockBytes) {
        std::memcpy(m_bytes.data() + column, block + 2, kQ8Columns);
      }
    }
    return m_bytes;
  }

  /// The f16 scale of a block of Q8_0.
  static std::uint16_t scale(const RowReference& source, std::uint64_t block) {
    std::uint16_t half = 0;
    if (source.tensor != nullptr) std::memcpy(&half, rawRow(source) + block * kQ8BlockBytes, sizeof half);
    return half;
  }

 private:
  static const std::byte* rawRow(const RowReference& source) {
    const std::uint64_t stride =
        model::rowBytes(source.tensor->storage, static_cast<std::uint64_t>(source.tensor->columns));
    return source.tensor->bytes.data() + stride * static_cast<std::uint64_t>(source.row);
  }

  void readHalves(const RowReference& source) {
    if (source.tensor->storage == Storage::F16) {
      std::memcpy(m_bytes.data(), rawRow(source), m_bytes.size());
      return;
    }
    source.tensor->readRow(source.row, m_floats);
    for (std::size_t column = 0; column < m_floats.size(); ++column) {
      const std::uint16_t half = model::floatToHalf(m_floats[column]);
      std::memcpy(m_bytes.data() + 2 * column, &half, sizeof half);
    }
  }

  Storage m_storage;
  std::vector<float> m_floats;
  std::vector<std::byte> m_bytes;
};

/// Where four elements of a row lie, in texels: [block of rows][column4][row in it] or [row][column4].
std::uint64_t texelIndex(KernelFamily family, std::uint64_t row, std::uint64_t column4,
                         std::uint64_t columns4) {
  if (family == KernelFamily::Rows) return row * columns4 + column4;
  constexpr auto kBlock = static_cast<std::uint64_t>(kBlockRows);
  return (row / kBlock * columns4 + column4) * kBlock + row % kBlock;
}

/// Puts the texels of a row where they belong. The size is a constant, for this loop handles every weight.
template <std::size_t kTexelBytes>
void layOut(std::span<const std::byte> row, std::byte* to, std::uint64_t stride) {
  const std::size_t whole = row.size() / kTexelBytes;
  for (std::size_t texel = 0; texel < whole; ++texel) {
    std::memcpy(to + texel * stride, row.data() + texel * kTexelBytes, kTexelBytes);
  }
  const std::size_t rest = row.size() - whole * kTexelBytes;
  if (rest > 0) std::memcpy(to + whole * stride, row.data() + whole * kTexelBytes, rest);
}

void layOut(std::uint64_t texelBytes, std::span<const std::byte> row, std::byte* to, std::uint64_t stride) {
  if (texelBytes == 16) return layOut<16>(row, to, stride);
  if (texelBytes == 8) return layOut<8>(row, to, stride);
  layOut<4>(row, to, stride);
}

/// The rows of tensors that a slab was made of.
class SourceRows {
 public:
  void add(const RowReference& source) {
    if (source.tensor == nullptr) return;
    const auto [entry, isNew] = m_ranges.try_emplace(source.tensor, Range{source.row, source.row + 1});
    if (isNew) return;
    entry->second.begin = std::min(entry->second.begin, source.row);
    entry->second.end = std::max(entry->second.end, source.row + 1);
  }
  void report(const UploadWatch& watch) const {
    for (const auto& [tensor, range] : m_ranges) {
      const std::span<const std::byte> bytes = tensor->rowsFrom(range.begin, range.end - range.begin).bytes;
      if (watch.memory) watch.memory->letGo(bytes);
      if (watch.uploaded) watch.uploaded(bytes.size());
    }
  }

 private:
  struct Range {
    std::int64_t begin, end;
  };
  std::map<const model::Tensor*, Range> m_ranges;
};

/// Rows that one workgroup, or one turn of a subgroup, computes.
std::uint64_t groupRowsOf(const DeviceMatrix::Form& form) {
  return static_cast<std::uint64_t>(form.family == KernelFamily::Packed ? kBlockRows * form.rowBlocks
                                                                        : HEADROOM_SUBGROUP_ROWS);
}

/// Rows on the device: whole workgroups of the packed family.
std::uint64_t storedRowsOf(const DeviceMatrix::Form& form) {
  const auto rows = static_cast<std::uint64_t>(form.rows);
  return form.family == KernelFamily::Packed ? roundUp(rows, groupRowsOf(form)) : rows;
}

}  // namespace

DeviceMatrix::DeviceMatrix(vulkan::Device& device, const Form& form, const std::string& what,
                           const std::function<RowReference(std::int64_t)>& rowAt, const UploadWatch& watch)
    : m_form(form),
      m_storedRows(storedRowsOf(form)),
      m_paddedColumns(paddedColumns(static_cast<std::uint64_t>(form.columns))),
      m_buffer(device, m_storedRows * m_paddedColumns * elementBytes(form.storage),
               vulkan::MemoryPlace::Device, what) {
  const auto rowCount = static_cast<std::uint64_t>(form.rows);
  const std::uint64_t columns4 = m_paddedColumns / 4;
  const std::uint64_t texelBytes = 4 * elementBytes(form.storage);
  const bool quantised = form.storage == Storage::Q8_0;
  const std::uint64_t blocks = m_paddedColumns / kQ8Columns;
  if (quantised) {
    m_scaleBuffer = vulkan::Buffer(device, m_storedRows * blocks * sizeof(std::uint16_t),
                                   vulkan::MemoryPlace::Device, what);
  }
  RowReader reader(form.storage, static_cast<std::uint64_t>(form.columns));
  const std::uint64_t stride = texelIndex(form.family, 0, 1, columns4) * texelBytes;
  std::vector<std::byte> laidOut;
  std::vector<std::uint16_t> scales;
  for (std::uint64_t first = 0; first < m_storedRows; first += kSlabRows) {
    const std::uint64_t slab = std::min(kSlabRows, m_storedRows - first);
    // What no row fills is zero; rows that end within their padding leave the rest as it was: zero.
    if (first + slab > rowCount || laidOut.empty()) {
      laidOut.assign(slab * m_paddedColumns * elementBytes(form.storage), std::byte{0});
      scales.assign(quantised ? slab * blocks : 0, 0);
    }
    SourceRows sources;
    for (std::uint64_t local = 0; local < slab && first + local < rowCount; ++local) {
      const RowReference source = rowAt(static_cast<std::int64_t>(first + local));
      assert(!quantised || source.tensor == nullptr || source.tensor->storage == Storage::Q8_0);
      sources.add(source);
      layOut(texelBytes, reader.read(source),
             laidOut.data() + texelIndex(form.family, local, 0, columns4) * texelBytes, stride);
      for (std::uint64_t block = 0; quantised && block < blocks; ++block) {
        scales[texelIndex(form.family, local, block, blocks)] = RowReader::scale(source, block);
      }
    }
    const std::uint64_t slabBytes = slab * m_paddedColumns * elementBytes(form.storage);
    vulkan::upload(device, m_buffer, first * m_paddedColumns * elementBytes(form.storage),
                   std::span(laidOut).first(slabBytes));
    if (quantised) {
      vulkan::upload(device, m_scaleBuffer, first * blocks * sizeof(std::uint16_t),
                     std::as_bytes(std::span(scales).first(slab * blocks)));
    }
    sources.report(watch);
  }
  if (form.family == KernelFamily::Packed) {
    m_view = vulkan::TexelView(device, m_buffer, texelFormat(form.storage), 0, m_buffer.bytes());
  }
  m_scaleView = quantised
                    ? vulkan::TexelView(device, m_scaleBuffer, VK_FORMAT_R16_SFLOAT, 0, m_scaleBuffer.bytes())
                    : vulkan::TexelView(device, m_buffer, VK_FORMAT_R16_SFLOAT, 0, 4);
}

std::uint64_t DeviceMatrix::bytesOf(const Form& form) {
  return storedRowsOf(form) *
         model::rowBytes(form.storage, paddedColumns(static_cast<std::uint64_t>(form.columns)));
}

std::uint64_t DeviceMatrix::rowGroups(TokenTile tile) const {
  const std::uint64_t rows = tile == TokenTile::Many ? HEADROOM_PROJECTION_TILE : groupRowsOf(m_form);
  return (m_storedRows + rows - 1) / rows;
}

std::uint64_t DeviceMatrix::issuedBytes() const {
  return m_storedRows * bytesOf(m_paddedColumns);
}

std::uint64_t DeviceMatrix::logicalBytes() const {
  return static_cast<std::uint64_t>(m_form.rows) * bytesOf(static_cast<std::uint64_t>(m_form.columns));
}

}  // namespace headroom::engine
