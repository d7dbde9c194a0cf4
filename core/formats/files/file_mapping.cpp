#include "core/formats/files/file_mapping.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/model/error.h"

namespace headroom::formats {

namespace {
struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};
}  // namespace

FileMapping::FileMapping(const std::string& path) {
  // Non-blocking, so that opening a named pipe does not wait for its writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) throw model::Error(fmt::format("Cannot open {}: {}", path, std::strerror(errno)));
  struct stat status = {};
  if (::fstat(file.number, &status) != 0) {
    throw model::Error(fmt::format("Cannot read {}: {}", path, std::strerror(errno)));
  }
  if (S_ISDIR(status.st_mode)) throw model::Error(fmt::format("{} is a folder, expected a file", path));
  if (!S_ISREG(status.st_mode))
    throw model::Error(fmt::format("{} is a device or pipe, expected a file", path));
  if (status.st_size == 0) throw model::Error(fmt::format("{} is empty (0 bytes)", path));
  const auto size = static_cast<std::size_t>(status.st_size);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED) {
    throw model::Error(fmt::format("Cannot map {} ({} bytes): {}", path, size, std::strerror(errno)));
  }
  m_bytes = {static_cast<const std::byte*>(start), size};
}

FileMapping::~FileMapping() {
  release();
}

FileMapping::FileMapping(FileMapping&& other) noexcept : m_bytes(std::exchange(other.m_bytes, {})) {}

FileMapping& FileMapping::operator=(FileMapping&& other) noexcept {
  if (this != &other) {
    release();
    m_bytes = std::exchange(other.m_bytes, {});
  }
  return *this;
}

void FileMapping::advise(std::span<const std::byte> part, int advice) const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(m_bytes.data());
  const auto first = reinterpret_cast<std::uintptr_t>(part.data());
  if (part.empty() || first < start || first + part.size() > start + m_bytes.size()) return;
  // Whole pages inside the part; whether the system follows a hint changes nothing but time and memory.
  const std::uintptr_t begin = (first + page - 1) / page * page;
  const std::uintptr_t end = (first + part.size()) / page * page;
  if (end > begin) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

void FileMapping::willRead(std::span<const std::byte> part) const {
#ifdef MADV_POPULATE_READ
  advise(part, MADV_POPULATE_READ);
#else
  advise(part, MADV_WILLNEED);
#endif
}

void FileMapping::letGo(std::span<const std::byte> part) const {
  advise(part, MADV_DONTNEED);
}

void FileMapping::release() {
  if (!m_bytes.empty()) ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size());
  m_bytes = {};
}

}  // namespace headroom::formats
