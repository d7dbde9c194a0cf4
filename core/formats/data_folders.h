#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace headroom::formats {

/// What the search for the program's own files depends on.
struct DataPlaces {
  std::filesystem::path executable;  ///< empty where the system does not tell
  std::string assets;                ///< $HEADROOM_ASSETS
  std::string dataHome;              ///< $XDG_DATA_HOME
  std::string dataDirs;              ///< $XDG_DATA_DIRS
  std::string home;                  ///< $HOME

  static DataPlaces ofThisProcess();
};

/// Folders that may hold what comes with the program (models/, licenses/), best first: $HEADROOM_ASSETS,
/// ../share/headroom beside the executable's folder, headroom in the user's and the system's XDG data
/// folders, and assets of every folder above the executable, where a source tree has them.
std::vector<std::filesystem::path> dataFolders(const DataPlaces& places);

/// The first of `folders` that has `relative`, with it. Throws model::Error naming the folders looked at.
std::filesystem::path findData(const std::vector<std::filesystem::path>& folders,
                               const std::filesystem::path& relative);
/// The same in the folders of this process.
std::filesystem::path findData(const std::filesystem::path& relative);

}  // namespace headroom::formats
