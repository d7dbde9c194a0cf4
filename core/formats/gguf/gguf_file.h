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

/// Types of metadata values, numbered as in the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
enum class GgufType : std::uint32_t {
  Uint8,
  Int8,
  Uint16,
  Int16,
  Uint32,
  Int32,
  Float32,
  Bool,
  String,
  Array,
  Uint64,
  Int64,
  Float64,
};

/// One metadata value, still where it lies in the file.
struct GgufValue {
  GgufType type = GgufType::Uint8;
  GgufType elementType = GgufType::Uint8;  ///< of an array
  std::uint64_t count = 1;                 ///< elements of an array
  std::span<const std::byte> bytes;        ///< little-endian, checked to be complete
};

/// One entry of the tensor table. Sizes are in GGUF's order: sizes[0] is the length of a row.
struct GgufTensor {
  std::string_view name;
  std::vector<std::uint64_t> sizes;
  std::uint32_t typeNumber = 0;
  std::optional<model::Storage> storage;  ///< nothing for types that this project does not read
  std::uint64_t offset = 0;               ///< from the start of the tensor data
  std::span<const std::byte> bytes;       ///< empty where storage is nothing
};

/// The structure of a GGUF file, version 2 or 3, little-endian: metadata and tensor table, every count, size
/// and offset checked against the file before it is used. Nothing is copied; views point into the mapping.
class GgufFile {
 public:
  /// Throws model::Error, a sentence with expected and actual values, for a file that is not sound.
  explicit GgufFile(const std::string& path);
  /// Reads bytes that somebody else keeps as long as this lives.
  explicit GgufFile(std::span<const std::byte> bytes);

  std::uint32_t version() const { return m_version; }
  const FileMapping& mapping() const { return m_mapping; }
  const std::vector<GgufTensor>& tensors() const { return m_tensors; }
  /// The tensor of that name, or null.
  const GgufTensor* findTensor(std::string_view name) const;
  bool has(std::string_view key) const { return m_metadata.contains(key); }

  // Each throws model::Error when the key is there but of another type or out of range.
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::vector<std::string>> texts(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
  std::optional<std::vector<double>> numbers(std::string_view key) const;

 private:
  class Cursor;
  void parse();
  void readMetadata(Cursor& cursor, std::uint64_t count);
  void readTensorTable(Cursor& cursor, std::uint64_t count);
  GgufValue readValue(Cursor& cursor, std::string_view key) const;
  void placeTensors(std::uint64_t dataStart);
  void refuseOverlaps() const;
  const GgufValue* find(std::string_view key) const;
  const GgufValue* findArray(std::string_view key) const;

  FileMapping m_mapping;  ///< of no file when the bytes are somebody else's
  std::span<const std::byte> m_bytes;
  std::uint32_t m_version = 0;
  std::uint64_t m_alignment = 32;
  std::map<std::string_view, GgufValue> m_metadata;
  std::vector<GgufTensor> m_tensors;
  std::map<std::string_view, std::size_t> m_tensorIndex;
};

/// "Q4_K" for 12; "type 99" for a number without a name.
std::string ggufTensorTypeName(std::uint32_t typeNumber);
/// GGUF's number of a storage.
std::uint32_t ggufTensorType(model::Storage storage);

}  // namespace headroom::formats
