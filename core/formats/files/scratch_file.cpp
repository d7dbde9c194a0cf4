#include "core/formats/files/scratch_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/model/error.h"

namespace headroom::formats {

ScratchFile::ScratchFile(const OutputTarget& target) {
  const std::filesystem::path beside = std::filesystem::path(target.path).parent_path();
  m_folder = target.isStream() ? std::filesystem::temp_directory_path().string()
             : beside.empty()  ? "."
                               : beside.string();
  std::string path = m_folder + "/.headroom-scratch-XXXXXX";
  m_descriptor = ::mkstemp(path.data());
  if (m_descriptor < 0) fail("made");
  ::unlink(path.c_str());
}

ScratchFile::~ScratchFile() {
  if (m_descriptor >= 0) ::close(m_descriptor);
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : m_folder(std::move(other.m_folder)),
      m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_size(other.m_size) {}

void ScratchFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(m_descriptor, bytes.data(), bytes.size(), static_cast<off_t>(m_size));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("written");
    m_size += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void ScratchFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t count = ::pread(m_descriptor, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("read");
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

void ScratchFile::fail(const char* doing) const {
  throw model::Error(fmt::format("A file for intermediate results in {} could not be {} after {} bytes: {}",
                                 m_folder, doing, m_size, std::strerror(errno)));
}

}  // namespace headroom::formats
