#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/formats/files/output_target.h"

namespace headroom::formats {

/// A file without a name for what does not fit memory: written from its start to its end, read anywhere. It
/// lies beside the file that it is for, or in the system's temporary folder for a stream, and is gone with
/// this object, however the program ends.
class ScratchFile {
 public:
  /// Throws model::Error when it cannot be made.
  explicit ScratchFile(const OutputTarget& target);
  ~ScratchFile();
  ScratchFile(ScratchFile&& other) noexcept;
  ScratchFile& operator=(ScratchFile&&) = delete;

  /// Throws model::Error, for instance when the disk is full.
  void append(std::span<const std::byte> bytes);
  /// Fills `out` from byte `offset` of what was appended. Throws model::Error.
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  std::uint64_t size() const { return m_size; }

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::string m_folder;
  int m_descriptor = -1;
  std::uint64_t m_size = 0;
};

}  // namespace headroom::formats
