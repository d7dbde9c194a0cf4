#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace headroom::formats {

/// A whole file, mapped read-only. The pages are read when they are touched, so opening costs nothing however
/// large the file is. Move-only; the mapping lives as long as this does.
class FileMapping {
 public:
  /// Of no file: no bytes.
  FileMapping() = default;
  /// Throws model::Error when `path` is missing, unreadable, empty, or not a regular file.
  explicit FileMapping(const std::string& path);
  ~FileMapping();
  FileMapping(FileMapping&& other) noexcept;
  FileMapping& operator=(FileMapping&& other) noexcept;

  std::span<const std::byte> bytes() const { return m_bytes; }
  /// Hints for a part of bytes(); anything else is ignored. See model::WeightMemory.
  void willRead(std::span<const std::byte> part) const;
  void letGo(std::span<const std::byte> part) const;

 private:
  void advise(std::span<const std::byte> part, int advice) const;
  void release();
  std::span<const std::byte> m_bytes;
};

}  // namespace headroom::formats
