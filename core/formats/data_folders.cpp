#include "core/formats/data_folders.h"

#include <cstdlib>
#include <sstream>

#include <fmt/format.h>

#include "core/model/error.h"

namespace headroom::formats {

namespace {
namespace fs = std::filesystem;

std::string environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}
}  // namespace

DataPlaces DataPlaces::ofThisProcess() {
  std::error_code error;
  const fs::path executable = fs::read_symlink("/proc/self/exe", error);
  return {.executable = error ? fs::path() : executable,
          .assets = environment("HEADROOM_ASSETS"),
          .dataHome = environment("XDG_DATA_HOME"),
          .dataDirs = environment("XDG_DATA_DIRS"),
          .home = environment("HOME")};
}

std::vector<fs::path> dataFolders(const DataPlaces& places) {
  std::vector<fs::path> folders;
  if (!places.assets.empty()) folders.emplace_back(places.assets);
  const fs::path executableFolder = places.executable.parent_path();
  if (!executableFolder.empty()) folders.push_back(executableFolder.parent_path() / "share" / "headroom");

  // Defaults and the rule that relative paths do not count are the XDG base directory specification's.
  const fs::path dataHome = places.dataHome;
  if (dataHome.is_absolute()) {
    folders.push_back(dataHome / "headroom");
  } else if (fs::path(places.home).is_absolute()) {
    folders.push_back(fs::path(places.home) / ".local" / "share" / "headroom");
  }
  std::istringstream systems(places.dataDirs.empty() ? "/usr/local/share:/usr/share" : places.dataDirs);
  for (std::string folder; std::getline(systems, folder, ':');) {
    if (fs::path(folder).is_absolute()) folders.push_back(fs::path(folder) / "headroom");
  }

  for (fs::path folder = executableFolder; folder.has_relative_path(); folder = folder.parent_path()) {
    folders.push_back(folder / "assets");
  }
  return folders;
}

fs::path findData(const std::vector<fs::path>& folders, const fs::path& relative) {
  std::error_code ignored;
  std::string looked;
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / relative, ignored)) return folder / relative;
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  throw model::Error(
      fmt::format("{} is missing, looked for it in {}; set HEADROOM_ASSETS to the folder that has it",
                  relative.string(), looked.empty() ? "no folder" : looked));
}

fs::path findData(const fs::path& relative) {
  return findData(dataFolders(DataPlaces::ofThisProcess()), relative);
}

}  // namespace headroom::formats
