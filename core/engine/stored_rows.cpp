#include "core/engine/stored_rows.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace headroom::engine {

namespace {

using model::Storage;

constexpr std::size_t kRuns = 8;          // of a superblock
constexpr std::size_t kRunElements = 32;  // of a run
constexpr std::size_t kNibbleBytes = 16;  // of a run
constexpr std::size_t kHeaderBytes = 16;  // of a superblock

std::uint8_t byteAt(const std::byte* bytes, std::size_t index) {
  return std::to_integer<std::uint8_t>(bytes[index]);
}

/// The run's nibbles of `lowBits(element)`: elements i and 16 + i in byte i.
template <typename LowBits>
void placeNibbles(std::byte* to, LowBits lowBits) {
  for (std::size_t i = 0; i < kNibbleBytes; ++i) {
    to[i] = static_cast<std::byte>((lowBits(i) & 15) | (lowBits(i + kNibbleBytes) & 15) << 4);
  }
}

/// Nibbles of run `run` of Q4_K and Q5_K, whose 32 bytes hold two runs, one in their lower halves.
void placePairedNibbles(const std::byte* nibbles, std::size_t run, std::byte* to) {
  const std::byte* pair = nibbles + run / 2 * kRunElements;
  placeNibbles(to, [&](std::size_t i) { return byteAt(pair, i) >> run % 2 * 4; });
}

void placeQ4K(const std::byte* block, std::byte* to) {
  std::memcpy(to, block, kHeaderBytes);
  for (std::size_t run = 0; run < kRuns; ++run) {
    placePairedNibbles(block + kHeaderBytes, run, to + kHeaderBytes + run * kNibbleBytes);
  }
}

void placeQ5K(const std::byte* block, std::byte* to) {
  constexpr std::size_t kFifthBytes = 4;  // of a run
  const std::byte* fifth = block + kHeaderBytes;
  std::byte* toFifth = to + kHeaderBytes;
  std::memcpy(to, block, kHeaderBytes);
  for (std::size_t run = 0; run < kRuns; ++run) {
    for (std::size_t k = 0; k < kFifthBytes; ++k) {
      unsigned bits = 0;
      for (std::size_t j = 0; j < 8; ++j) bits |= (byteAt(fifth, 4 * j + k) >> run & 1u) << j;
      toFifth[run * kFifthBytes + k] = static_cast<std::byte>(bits);
    }
    placePairedNibbles(fifth + kRuns * kFifthBytes, run, toFifth + kRuns * kFifthBytes + run * kNibbleBytes);
  }
}

void placeQ6K(const std::byte* block, std::byte* to) {
  constexpr std::size_t kUpperBytes = 8;  // of a run
  const std::byte* upper = block + kRuns * kNibbleBytes;
  std::byte* toUpper = to + kHeaderBytes;
  std::memcpy(to, upper + kRuns * kUpperBytes, kHeaderBytes);
  for (std::size_t run = 0; run < kRuns; ++run) {
    // Each half of the block keeps its four runs in 64 bytes of nibbles and 32 of upper bits.
    const std::byte* upperOfHalf = upper + run / 4 * kRunElements;
    for (std::size_t k = 0; k < kUpperBytes; ++k) {
      unsigned bits = 0;
      for (std::size_t j = 0; j < 4; ++j) {
        const std::size_t element = k / 4 * 16 + 4 * j + k % 4;
        bits |= (byteAt(upperOfHalf, element) >> run % 4 * 2 & 3u) << 2 * j;
      }
      toUpper[run * kUpperBytes + k] = static_cast<std::byte>(bits);
    }
    const std::byte* nibbles = block + run / 4 * 64 + run % 2 * kRunElements;
    placeNibbles(toUpper + kRuns * kUpperBytes + run * kNibbleBytes,
                 [&](std::size_t i) { return byteAt(nibbles, i) >> run / 2 % 2 * 4; });
  }
}

/// What is no scale of a block.
void placeBlock(Storage storage, const std::byte* block, std::byte* to) {
  switch (storage) {
    case Storage::Q8_0:
    case Storage::Q4_0:
      std::memcpy(to, block + sizeof(std::uint16_t), StoredRow(storage, kRunElements).weightBytes);
      return;
    case Storage::Q4_K:
      return placeQ4K(block, to);
    case Storage::Q5_K:
      return placeQ5K(block, to);
    case Storage::Q6_K:
      return placeQ6K(block, to);
    default:
      assert(false);
  }
}

/// f16 scales of a block that lie in the buffer of scales.
std::uint64_t scalesPerBlock(Storage storage) {
  return storage == Storage::Q8_0 || storage == Storage::Q4_0 || storage == Storage::Q6_K ? 1 : 0;
}

}  // namespace

std::uint64_t runBytes(Storage storage) {
  constexpr std::uint64_t kScaleBytes = 2;
  switch (storage) {
    case Storage::Q8_0:
      return kRunElements + kScaleBytes;
    case Storage::Q4_0:
      return kNibbleBytes + kScaleBytes;
    case Storage::Q4_K:
      return kNibbleBytes + kHeaderBytes;
    case Storage::Q5_K:
      return kNibbleBytes + kRunElements / 8 + kHeaderBytes;
    case Storage::Q6_K:
      return kNibbleBytes + kRunElements / 4 + kHeaderBytes + kScaleBytes;
    default:
      return 0;
  }
}

bool hasKernels(model::KernelFamily family, Storage storage) {
  switch (storage) {
    case Storage::F32:
    case Storage::F16:
    case Storage::Q8_0:
      return true;
    case Storage::BF16:
    case Storage::Q4_0:
    case Storage::Q4_K:
    case Storage::Q5_K:
    case Storage::Q6_K:
      return family == model::KernelFamily::Rows;
    default:
      return false;
  }
}

StoredRow::StoredRow(Storage storage, std::uint64_t columns)
    : scales(columns / static_cast<std::uint64_t>(model::blockElements(storage)) * scalesPerBlock(storage)) {
  weightBytes = model::rowBytes(storage, columns) - scales * sizeof(std::uint16_t);
}

RowReader::RowReader(Storage storage, std::uint64_t columns)
    : m_storage(storage), m_floats(storage == Storage::F32 ? columns : 0) {
  const StoredRow row(storage, columns);
  m_weights.resize(row.weightBytes);
  m_scales.resize(row.scales);
}

void RowReader::read(const RowReference& source) {
  if (source.tensor == nullptr) {
    std::ranges::fill(m_weights, std::byte{0});
    std::ranges::fill(m_scales, std::uint16_t{0});
    return;
  }
  if (m_storage == Storage::F32) {
    source.tensor->readRow(source.row, m_floats);
    std::memcpy(m_weights.data(), m_floats.data(), m_weights.size());
    return;
  }
  assert(source.tensor->storage == m_storage);
  const std::span<const std::byte> stored = source.tensor->rowsFrom(source.row, 1).bytes;
  const model::StorageFormat& format = model::formatOf(m_storage);
  if (format.blockElements == 1) {
    std::memcpy(m_weights.data(), stored.data(), m_weights.size());
    return;
  }
  const auto blockBytes = static_cast<std::size_t>(format.blockBytes);
  const std::size_t blocks = stored.size() / blockBytes;
  for (std::size_t index = 0; index < blocks; ++index) {
    const std::byte* block = stored.data() + index * blockBytes;
    placeBlock(m_storage, block, m_weights.data() + m_weights.size() / blocks * index);
    if (!m_scales.empty()) std::memcpy(&m_scales[index], block + format.scaleOffset, sizeof m_scales[index]);
  }
}

}  // namespace headroom::engine
