#pragma once

#include <cstdint>
#include <string>

namespace headroom::formats {

/// What a path to write to means once symbolic links are followed.
struct OutputTarget {
  enum class Kind {
    File,    ///< a regular file, there already or not: replaced in one go
    Stream,  ///< a pipe, a FIFO, /dev/null or a descriptor of this process: written as it comes
  };

  Kind kind = Kind::File;
  std::string name;        ///< as given, for messages
  std::string path;        ///< of the file itself, behind every link
  int descriptor = -1;     ///< of this process, for /dev/stdout, /dev/stderr and /dev/fd/N
  unsigned mode = 0;       ///< permissions of a file that is there; 0 for a new one
  bool isDiscard = false;  ///< /dev/null

  bool isStream() const { return kind == Kind::Stream; }
  bool isStandardOutput() const { return descriptor == 1; }
};

/// Throws model::Error for what cannot be written: folders, sockets, devices other than /dev/null, terminals,
/// links that lead in a circle, files in folders that do not exist or may not be written.
OutputTarget outputTarget(const std::string& path);

/// Larger files are written only when somebody says so once more.
inline constexpr std::uint64_t kLargeFileBytes = 1'000'000'000;
constexpr bool isLargeFile(std::uint64_t bytes) {
  return bytes > kLargeFileBytes;
}

/// Throws model::Error when the file system has not room for a file of `bytes`, and `scratchBytes` beside it
/// while it is written. A stream needs none.
void requireRoom(const OutputTarget& target, std::uint64_t bytes, std::uint64_t scratchBytes);

}  // namespace headroom::formats
