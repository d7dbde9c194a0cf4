#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/formats/files/output_target.h"

namespace headroom::formats {

/// Writes a file that appears under its name only when it is complete and on the disk: bytes go to a
/// temporary file in the same folder, commit() syncs and renames it. Without commit() nothing changes. A
/// symbolic link stays, and what it leads to is replaced; pipes, FIFOs, /dev/stdout and /dev/null are written
/// as bytes come.
class AtomicFile {
 public:
  /// Throws model::Error when outputTarget() refuses the path or the file cannot be made.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws model::Error, for instance when the disk is full.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  std::uint64_t bytesWritten() const { return m_flushed + m_buffered; }
  void commit();

 private:
  void openTemporary();
  void openStream();
  void commitTemporary();
  void flush();
  [[noreturn]] void fail(const char* doing) const;

  static constexpr std::size_t kBufferBytes = 1 << 18;
  OutputTarget m_target;
  std::string m_temporaryPath;
  int m_descriptor = -1;
  std::string m_buffer;
  std::size_t m_buffered = 0;
  std::uint64_t m_flushed = 0;
};

}  // namespace headroom::formats
