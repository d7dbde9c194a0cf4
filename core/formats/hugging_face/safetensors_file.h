#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/files/file_mapping.h"
#include "core/model/tensor.h"

namespace headroom::formats {

/// One tensor of a safetensors file. Sizes are in row-major order: the last one is the length of a row.
struct SafeTensor {
  std::string name;
  std::string dtype;  ///< "F32", "BF16", "I64", ...
  std::vector<std::uint64_t> sizes;
  std::optional<model::Storage> storage;  ///< nothing for types that are no weights to this project
  std::span<const std::byte> bytes;       ///< in the file, at any alignment

  std::uint64_t elementCount() const;
  /// As a matrix [rows][columns], a vector being [1][columns]. Only where storage is something.
  model::Tensor matrix() const;
};

/// The structure of a safetensors file (github.com/huggingface/safetensors): a JSON header with every
/// tensor's type, sizes and place, then the tensors' bytes without a gap. Every size and offset is checked
/// before it is used. Nothing but the header is copied; bytes stay in the mapping.
class SafetensorsFile {
 public:
  /// Throws model::Error, a sentence with expected and actual values, for a file that is not sound.
  explicit SafetensorsFile(const std::string& path);
  /// Reads bytes that somebody else keeps as long as this lives.
  explicit SafetensorsFile(std::span<const std::byte> bytes);

  /// In the order of the header.
  const std::vector<SafeTensor>& tensors() const { return m_tensors; }
  /// The tensor of that name, or null.
  const SafeTensor* findTensor(std::string_view name) const;
  /// The header's __metadata__.
  const std::map<std::string, std::string, std::less<>>& metadata() const { return m_metadata; }
  const FileMapping& mapping() const { return m_mapping; }

 private:
  void parse(std::span<const std::byte> bytes);

  FileMapping m_mapping;  ///< of no file when the bytes are somebody else's
  std::vector<SafeTensor> m_tensors;
  std::map<std::string, std::string, std::less<>> m_metadata;
  std::map<std::string_view, std::size_t> m_tensorIndex;
};

/// Bytes of one element of a type of safetensors; 0 for a type that is not known.
std::uint64_t safetensorsElementBytes(std::string_view dtype);

}  // namespace headroom::formats
