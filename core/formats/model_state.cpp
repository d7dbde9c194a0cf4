#include "core/formats/model_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

namespace headroom::formats {

namespace {

namespace fs = std::filesystem;

/// NAME of "NAME-00001-of-00003.gguf", else the whole name.
std::string_view splitStem(std::string_view name) {
  constexpr std::string_view kEnding = "-00001-of-00001.gguf";
  if (!name.ends_with(".gguf") || name.size() <= kEnding.size()) return name;
  const std::string_view ending = name.substr(name.size() - kEnding.size());
  for (std::size_t at = 0; at < ending.size(); ++at) {
    const bool isDigit = ending[at] >= '0' && ending[at] <= '9';
    const bool wantsDigit = kEnding[at] == '0' || kEnding[at] == '1';
    if (wantsDigit ? !isDigit : ending[at] != kEnding[at]) return name;
  }
  return name.substr(0, name.size() - kEnding.size());
}

std::vector<fs::path> filesOf(const fs::path& path) {
  std::error_code ignored;
  const bool isFolder = fs::is_directory(path, ignored);
  const std::string name = path.filename().string();
  const std::string_view stem = splitStem(name);
  if (!isFolder && stem == name) return {path};
  std::vector<fs::path> files;
  const fs::path folder = isFolder ? path : path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string other = entry.path().filename().string();
    if (isFolder || (splitStem(other) == stem && other != stem)) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::string modelState(const std::string& path) {
  std::error_code ignored;
  std::string state = fs::weakly_canonical(path, ignored).string();
  for (const fs::path& file : filesOf(path)) {
    const auto changed = fs::last_write_time(file, ignored).time_since_epoch().count();
    const auto bytes = fs::is_regular_file(file, ignored) ? fs::file_size(file, ignored) : 0;
    state += fmt::format("\n{}\t{}\t{}", file.filename().string(), changed, bytes);
  }
  return state;
}

}  // namespace headroom::formats
