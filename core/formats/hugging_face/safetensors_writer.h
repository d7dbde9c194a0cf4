#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/formats/files/atomic_file.h"

namespace headroom::formats {

/// A tensor to write. Sizes are in row-major order; their product is the number of elements.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  ///< as SafeTensor's, of a known size
  std::vector<std::int64_t> sizes;
  std::span<const std::byte> bytes;

  static SafetensorsEntry of(std::string name, std::vector<std::int64_t> sizes,
                             std::span<const float> values);
  static SafetensorsEntry of(std::string name, std::vector<std::int64_t> sizes,
                             std::span<const std::int32_t> values);
};

/// Name, type and sizes of a tensor whose bytes come later.
struct SafetensorsSlot {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> sizes;
};

/// Writes a safetensors file whose tensors are too large to be held: all that is in the header first, then
/// the bytes of every tensor in that order. Throws model::Error.
class SafetensorsStream {
 public:
  SafetensorsStream(const std::string& path, std::span<const SafetensorsSlot> tensors,
                    const std::map<std::string, std::string>& metadata);

  void write(std::span<const std::byte> bytes) { m_file.write(bytes); }
  /// After as many bytes as the tensors have.
  void commit();

 private:
  AtomicFile m_file;
  std::uint64_t m_expectedBytes = 0;
};

/// Writes a safetensors file; the data starts at a multiple of 8 bytes, tensors follow in the order given.
/// Names differ. Atomic; throws model::Error when the file cannot be written.
void writeSafetensors(const std::string& path, std::span<const SafetensorsEntry> tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace headroom::formats
