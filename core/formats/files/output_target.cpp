#include "core/formats/files/output_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/model/whole_number.h"

namespace headroom::formats {

namespace {
namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux follows

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw model::Error(fmt::format("Cannot write {}: {}", name, why));
}

/// The number of a descriptor of this process that a path names. Opening such a path anew would write a
/// redirected file from its start, over what is in it.
std::optional<int> descriptorOf(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (std::string_view prefix : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(prefix)) continue;
    path.remove_prefix(prefix.size());
    return model::wholeNumber(path);
  }
  return std::nullopt;
}

bool isNullDevice(const struct stat& status) {
  struct stat null = {};
  return ::stat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) && status.st_rdev == null.st_rdev;
}

/// A file behind links whose last step leads to itself, to a descriptor, or to nothing yet.
std::string followLinks(const std::string& name) {
  std::string path = name;
  for (int link = 0; link < kMostLinks; ++link) {
    if (descriptorOf(path)) return path;
    std::error_code notALink;
    const fs::path next = fs::read_symlink(path, notALink);
    if (notALink) return path;
    path = (fs::path(path).parent_path() / next).string();
  }
  refuse(name, fmt::format("more than {} symbolic links lead on from it, expected a file at their end",
                           kMostLinks));
}

void acceptDescriptor(OutputTarget& target) {
  const int access = ::fcntl(target.descriptor, F_GETFL);
  if (access < 0) refuse(target.name, fmt::format("descriptor {} is not open", target.descriptor));
  if ((access & O_ACCMODE) == O_RDONLY) {
    refuse(target.name, fmt::format("descriptor {} is open for reading only", target.descriptor));
  }
  if (::isatty(target.descriptor) != 0) {
    refuse(target.name, "it is a terminal, expected a pipe or a file for binary data");
  }
  target.kind = OutputTarget::Kind::Stream;
}

void acceptNode(OutputTarget& target, const struct stat& status) {
  target.kind = OutputTarget::Kind::Stream;
  if (S_ISFIFO(status.st_mode)) return;
  target.isDiscard = S_ISCHR(status.st_mode) && isNullDevice(status);
  if (target.isDiscard) return;
  const char* what = S_ISDIR(status.st_mode)    ? "a folder"
                     : S_ISBLK(status.st_mode)  ? "a block device"
                     : S_ISSOCK(status.st_mode) ? "a socket"
                                                : "a character device";
  refuse(target.name, fmt::format("it is {}, expected a file, a pipe or /dev/null", what));
}

/// A file is replaced by one that is made beside it, so what counts is its folder.
void acceptFile(const OutputTarget& target) {
  const fs::path parent = fs::path(target.path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  if (fs::path(target.path).filename().empty()) refuse(target.name, "it ends in /, expected a file name");
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0 || ::access(folder.c_str(), W_OK | X_OK) != 0) {
    refuse(target.name, fmt::format("its folder {}: {}", folder,
                                    std::strerror(S_ISREG(status.st_mode) ? ENOTDIR : errno)));
  }
}
}  // namespace

OutputTarget outputTarget(const std::string& path) {
  OutputTarget target{.name = path};
  if (path.empty()) throw model::Error("Cannot write a file without a name, expected a path");
  target.path = followLinks(path);
  if (const auto descriptor = descriptorOf(target.path)) {
    target.descriptor = *descriptor;
    acceptDescriptor(target);
    return target;
  }
  struct stat status = {};
  if (::stat(target.path.c_str(), &status) != 0) {
    // A folder on the way that is missing or closed is named by the check of the folder.
    if (errno != ENOENT && errno != EACCES && errno != ENOTDIR) refuse(path, std::strerror(errno));
  } else if (S_ISREG(status.st_mode)) {
    target.mode = status.st_mode & 0777;
  } else {
    acceptNode(target, status);
    return target;
  }
  acceptFile(target);
  return target;
}

void requireRoom(const OutputTarget& target, std::uint64_t bytes, std::uint64_t scratchBytes) {
  if (target.isStream()) return;
  const fs::path parent = fs::path(target.path).parent_path();
  struct statvfs status = {};
  if (::statvfs(parent.empty() ? "." : parent.c_str(), &status) != 0) return;  // unknown is no reason
  const std::uint64_t room = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  if (bytes + scratchBytes <= room) return;
  throw model::Error(fmt::format(
      "Cannot write {}: it would need up to {}, and {} beside it while it is written; the disk has "
      "{} left",
      target.name, model::exactBytesText(bytes), model::exactBytesText(scratchBytes),
      model::exactBytesText(room)));
}

}  // namespace headroom::formats
