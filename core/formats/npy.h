#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/formats/files/atomic_file.h"

namespace headroom::formats {

/// An array as NumPy's .npy stores it, row-major.
struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  ///< float32 files widen exactly
};

/// Writes float32 or float64 ('<f4', '<f8', C order, format version 1.0). The product of `shape` is the
/// number of values. Atomic; throws model::Error when the file cannot be written.
void writeNpy(const std::string& path, const std::vector<std::int64_t>& shape, std::span<const float> values);
void writeNpy(const std::string& path, const std::vector<std::int64_t>& shape,
              std::span<const double> values);

/// Writes a float32 array value by value, in C order, when it is too large to be held. Throws model::Error.
class NpyWriter {
 public:
  NpyWriter(const std::string& path, const std::vector<std::int64_t>& shape);

  void write(std::span<const std::byte> values) { m_file.write(values); }
  void write(std::span<const float> values) { write(std::as_bytes(values)); }
  /// After as many values as the shape has.
  void commit();

 private:
  AtomicFile m_file;
  std::uint64_t m_expectedBytes = 0;
};

/// Reads '<f4' and '<f8' in C order, versions 1 to 3. Throws model::Error for anything else.
NpyArray readNpy(const std::string& path);

}  // namespace headroom::formats
