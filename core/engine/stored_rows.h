#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/model/kernel_plan.h"
#include "core/model/tensor.h"

namespace headroom::engine {

/// A row of a tensor; of zeros when there is no tensor.
struct RowReference {
  const model::Tensor* tensor = nullptr;
  std::int64_t row = 0;
};

/// Whether the kernels of a family read matrices in that storage.
bool hasKernels(model::KernelFamily family, model::Storage storage);

/// How a row of a storage with kernels is divided between the buffer of weights and that of f16 scales: the
/// same bits as in the file, no more and no less.
///
/// F32, F16, BF16: the elements. Q8_0: [block][32 bytes], a scale per block. Q4_0: [block][16 bytes of
/// nibbles], a scale per block. The K formats, per superblock of 256 elements:
///   Q4_K  [d, dmin, 12 bytes of scales and minima][8 runs x 16 bytes of nibbles]
///   Q5_K  [the same 16 bytes][8 runs x 4 bytes of fifth bits][8 x 16]
///   Q6_K  [16 signed scales][8 runs x 8 bytes of upper bits][8 x 16], and d as the scale
/// A run is 32 elements: byte i of its nibbles holds elements i and 16 + i, as in Q4_0. Of its fifth bits
/// element 4 j + k has bit j of byte k; of its upper bits elements 4 j + k and 16 + 4 j + k have bits 2 j and
/// 2 j + 1 of bytes k and 4 + k.
struct StoredRow {
  std::uint64_t weightBytes = 0;
  std::uint64_t scales = 0;

  /// Of `columns`, whole blocks.
  StoredRow(model::Storage storage, std::uint64_t columns);
};

/// Bytes that an invocation loads alone of 32 elements of a block format, with all that they share with their
/// superblock; 0 for other storages.
std::uint64_t runBytes(model::Storage storage);

/// Texels of four elements that an invocation of the rows family takes at once: RUN4 of weight_runs.glsl.
constexpr std::uint64_t runTexels(model::Storage storage) {
  if (storage == model::Storage::F32) return 1;
  return storage == model::Storage::F16 || storage == model::Storage::BF16 ? 2 : 8;
}

/// Reads rows of `columns` elements for a matrix that is kept in `storage`, with which they are stored alike;
/// for F32 they may be stored in any way.
class RowReader {
 public:
  RowReader(model::Storage storage, std::uint64_t columns);

  void read(const RowReference& source);
  /// StoredRow::weightBytes of the row read last.
  std::span<const std::byte> weights() const { return m_weights; }
  /// StoredRow::scales of them, the bits of halves.
  std::span<const std::uint16_t> scales() const { return m_scales; }

 private:
  model::Storage m_storage;
  std::vector<float> m_floats;
  std::vector<std::byte> m_weights;
  std::vector<std::uint16_t> m_scales;
};

}  // namespace headroom::engine
