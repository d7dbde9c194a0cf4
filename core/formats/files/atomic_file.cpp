#include "core/formats/files/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/model/error.h"

namespace headroom::formats {

AtomicFile::AtomicFile(const std::string& path) : m_target(outputTarget(path)), m_buffer(kBufferBytes, '\0') {
  if (m_target.isStream()) {
    openStream();
  } else {
    openTemporary();
  }
}

void AtomicFile::openTemporary() {
  m_temporaryPath = m_target.path + ".part-XXXXXX";
  m_descriptor = ::mkstemp(m_temporaryPath.data());
  if (m_descriptor < 0) fail("create it");
  // mkstemp makes files that only their owner reads; the finished file gets the rights of the one that it
  // replaces, or of any new file.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(m_descriptor, m_target.mode != 0 ? m_target.mode : 0666 & ~mask);
}

void AtomicFile::openStream() {
  m_descriptor = m_target.descriptor >= 0 ? ::dup(m_target.descriptor)
                                          : ::open(m_target.path.c_str(), O_WRONLY | O_CLOEXEC);
  if (m_descriptor < 0) fail("open it");
}

AtomicFile::~AtomicFile() {
  if (m_descriptor < 0) return;
  ::close(m_descriptor);
  if (!m_temporaryPath.empty()) ::unlink(m_temporaryPath.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), kBufferBytes - m_buffered);
    std::memcpy(m_buffer.data() + m_buffered, bytes.data(), count);
    m_buffered += count;
    bytes = bytes.subspan(count);
    if (m_buffered == kBufferBytes) flush();
  }
}

void AtomicFile::flush() {
  std::size_t done = 0;
  while (done < m_buffered) {
    const ssize_t written = ::write(m_descriptor, m_buffer.data() + done, m_buffered - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write it");
    done += static_cast<std::size_t>(written);
    m_flushed += static_cast<std::uint64_t>(written);
  }
  m_buffered = 0;
}

void AtomicFile::commit() {
  flush();
  if (!m_target.isStream()) return commitTemporary();
  const int closed = ::close(m_descriptor);
  m_descriptor = -1;
  if (closed != 0) fail("close it");
}

void AtomicFile::commitTemporary() {
  if (::fsync(m_descriptor) != 0) fail("bring it to the disk");
  if (std::rename(m_temporaryPath.c_str(), m_target.path.c_str()) != 0) fail("give it its name");
  ::close(m_descriptor);
  m_descriptor = -1;
  // The rename itself must survive a power cut, too; where folders cannot be synced the file is still whole.
  const std::filesystem::path folder = std::filesystem::path(m_target.path).parent_path();
  const int parent = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    ::fsync(parent);
    ::close(parent);
  }
}

void AtomicFile::fail(const char* doing) const {
  const int error = errno;
  throw model::Error(fmt::format("Cannot write {}: could not {} after {} bytes: {}", m_target.name, doing,
                                 m_flushed, std::strerror(error)));
}

}  // namespace headroom::formats
