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

/// Rows laid out and uploaded at once; a multiple of all workgroups' rows.
constexpr std::uint64_t kSlabRows = 512;

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

/// Where part `index` of the `count` parts of a row lies, in parts, which are 4 elements or a scale:
/// [block of rows][index][row in it] or [row][index].
std::uint64_t partIndex(KernelFamily family, std::uint64_t row, std::uint64_t index, std::uint64_t count) {
  if (family == KernelFamily::Rows) return row * count + index;
  constexpr auto kBlock = static_cast<std::uint64_t>(kBlockRows);
  return (row / kBlock * count + index) * kBlock + row % kBlock;
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

/// Rows from 0 on as the device keeps them: what no row fills is zero.
struct Slab {
  Slab(KernelFamily kernelFamily, const StoredRow& storedRow, std::uint64_t paddedColumns)
      : family(kernelFamily), row(storedRow), columns4(paddedColumns / 4) {}

  void clear(std::uint64_t rows) {
    weights.assign(rows * row.weightBytes, std::byte{0});
    scales.assign(rows * row.scales, 0);
  }
  void place(std::uint64_t index, const RowReader& from) {
    if (family == KernelFamily::Rows) {
      std::ranges::copy(from.weights(),
                        weights.begin() + static_cast<std::ptrdiff_t>(index * row.weightBytes));
    } else {
      const std::uint64_t texelBytes = row.weightBytes / columns4;
      layOut(texelBytes, from.weights(), weights.data() + partIndex(family, index, 0, columns4) * texelBytes,
             partIndex(family, 0, 1, columns4) * texelBytes);
    }
    for (std::uint64_t block = 0; block < from.scales().size(); ++block) {
      scales[partIndex(family, index, block, row.scales)] = from.scales()[block];
    }
  }

  KernelFamily family;
  StoredRow row;  ///< padded
  std::uint64_t columns4;
  std::vector<std::byte> weights;
  std::vector<std::uint16_t> scales;
};

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
      m_paddedColumns(paddedColumns(static_cast<std::uint64_t>(form.columns))) {
  assert(hasKernels(form.family, form.storage));
  const StoredRow row(form.storage, m_paddedColumns);
  m_buffer = vulkan::Buffer(device, m_storedRows * row.weightBytes, vulkan::MemoryPlace::Device, what);
  if (row.scales > 0) {
    m_scaleBuffer = vulkan::Buffer(device, m_storedRows * row.scales * sizeof(std::uint16_t),
                                   vulkan::MemoryPlace::Device, what);
  }
  const auto rowCount = static_cast<std::uint64_t>(form.rows);
  RowReader reader(form.storage, static_cast<std::uint64_t>(form.columns));
  Slab slab(form.family, row, m_paddedColumns);
  for (std::uint64_t first = 0; first < m_storedRows; first += kSlabRows) {
    const std::uint64_t rows = std::min(kSlabRows, m_storedRows - first);
    // Rows that end within their padding leave the rest as it was: zero.
    if (first + rows > rowCount || slab.weights.empty()) slab.clear(rows);
    SourceRows sources;
    for (std::uint64_t local = 0; local < rows && first + local < rowCount; ++local) {
      const RowReference source = rowAt(static_cast<std::int64_t>(first + local));
      sources.add(source);
      reader.read(source);
      slab.place(local, reader);
    }
    vulkan::upload(device, m_buffer, first * row.weightBytes,
                   std::span(slab.weights).first(rows * row.weightBytes));
    if (row.scales > 0) {
      vulkan::upload(device, m_scaleBuffer, first * row.scales * sizeof(std::uint16_t),
                     std::as_bytes(std::span(slab.scales).first(rows * row.scales)));
    }
    sources.report(watch);
  }
  if (form.family == KernelFamily::Packed) {
    m_view = vulkan::TexelView(device, m_buffer, texelFormat(form.storage), 0, m_buffer.bytes());
  }
  m_scaleView = row.scales > 0
                    ? vulkan::TexelView(device, m_scaleBuffer, VK_FORMAT_R16_SFLOAT, 0, m_scaleBuffer.bytes())
                    : vulkan::TexelView(device, m_buffer, VK_FORMAT_R16_SFLOAT, 0, 4);
}

std::uint64_t DeviceMatrix::bytesOf(const Form& form) {
  return storedRowsOf(form) *
         model::rowBytes(form.storage, paddedColumns(static_cast<std::uint64_t>(form.columns)));
}

std::uint64_t DeviceMatrix::rowGroups(TokenTile tile) const {
  const std::uint64_t rows = tile == TokenTile::Many             ? HEADROOM_PROJECTION_TILE
                             : tile == TokenTile::ManyByMatrices ? HEADROOM_MATRIX_TILE_ROWS
                                                                 : groupRowsOf(m_form);
  return (m_storedRows + rows - 1) / rows;
}

std::uint64_t DeviceMatrix::issuedBytes(TokenTile tile) const {
  // In tiles neighbours load other rows.
  const std::uint64_t run = runBytes(m_form.storage);
  if (isMany(tile) && run > 0) return m_storedRows * m_paddedColumns / 32 * run;
  return m_storedRows * bytesOf(m_paddedColumns);
}

std::uint64_t DeviceMatrix::logicalBytes() const {
  return static_cast<std::uint64_t>(m_form.rows) * bytesOf(static_cast<std::uint64_t>(m_form.columns));
}

}  // namespace headroom::engine
