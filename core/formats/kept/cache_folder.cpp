#include "core/formats/kept/cache_folder.h"

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

namespace headroom::formats {

namespace {
std::filesystem::path environmentPath(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? std::filesystem::path(value) : std::filesystem::path();
}

/// FNV-1a.
std::uint64_t hashOf(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}
}  // namespace

std::string cacheFolder() {
  // The XDG specification ignores relative paths.
  const std::filesystem::path caches = environmentPath("XDG_CACHE_HOME");
  if (caches.is_absolute()) return (caches / "headroom").string();
  const std::filesystem::path home = environmentPath("HOME");
  return home.is_absolute() ? (home / ".cache" / "headroom").string() : std::string();
}

std::string cacheFileName(const std::string& kind, const std::string& name, const std::string& key) {
  std::string readable;
  for (const unsigned char letter : name) {
    if (readable.size() >= 40) break;
    if (std::isalnum(letter)) {
      readable += static_cast<char>(std::tolower(letter));
    } else if (!readable.empty() && readable.back() != '-') {
      readable += '-';
    }
  }
  if (!readable.empty() && readable.back() == '-') readable.pop_back();
  return fmt::format("{}-{}-{:016x}", kind, readable, hashOf(key));
}

}  // namespace headroom::formats
