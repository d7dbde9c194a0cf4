#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::model {

/// How a tensor's elements are stored in a file. The blocks are those of ggml (github.com/ggml-org/ggml,
/// src/ggml-common.h): a few f16 scales and small integers q.
enum class Storage {
  F32,
  F16,
  Q8_0,  ///< scale x signed byte
  BF16,
  Q4_0,  ///< scale x (q - 8)
  Q4_1,  ///< scale x q + minimum
  Q5_0,  ///< scale x (q - 16)
  Q5_1,  ///< scale x q + minimum
  Q2_K,  ///< 16 groups, each with 4 bits of scale and of minimum: scale x group scale x q - minimum x ...
  Q3_K,  ///< 16 groups with 6 bits of scale: scale x (group scale - 32) x (q - 4)
  Q4_K,  ///< 8 groups, each with 6 bits of scale and of minimum
  Q5_K,  ///< likewise
  Q6_K,  ///< 16 groups with 8 bits of scale: scale x group scale x (q - 32)
};

/// One row of the table of storages. Rows of a tensor are whole blocks.
struct StorageFormat {
  Storage storage = Storage::F32;
  std::string_view name;
  std::uint32_t ggufType = 0;  ///< number in GGUF files
  int blockElements = 1;
  int blockBytes = 4;
  int scaleOffset = 0;  ///< of a block's f16 scales, which lie side by side
  int scaleCount = 0;
};

inline constexpr int kQ8BlockElements = 32;
inline constexpr int kQ8BlockBytes = 34;

std::span<const StorageFormat> storageFormats();
const StorageFormat& formatOf(Storage storage);

/// "Q4_K".
std::string_view shortName(Storage storage);
/// Elements that are stored together: 1, 32 or 256.
int blockElements(Storage storage);
/// Bytes of one row of `columns` elements, a multiple of blockElements().
std::uint64_t rowBytes(Storage storage, std::uint64_t columns);

/// The values of `out.size()` stored elements, a multiple of blockElements(), exactly as float32 arithmetic
/// defines them. `source` has rowBytes() bytes at any alignment.
void decodeRow(Storage storage, const std::byte* source, std::span<float> out);

}  // namespace headroom::model
