#include "app/cli/model_argument.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/formats/load_model.h"
#include "core/model/error.h"

namespace headroom::cli {

namespace {
namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kBundled = {"mha", "gqa", "mqa"};

/// Folders that may hold the bundled models, best first.
std::vector<fs::path> modelFolders() {
  std::vector<fs::path> folders;
  if (const char* assets = std::getenv("HEADROOM_ASSETS")) folders.push_back(fs::path(assets) / "models");
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) folder = fs::current_path();
  while (true) {
    folders.push_back(folder / "assets" / "models");
    folders.push_back(folder / "share" / "headroom" / "models");
    if (!folder.has_relative_path()) return folders;
    folder = folder.parent_path();
  }
}
}  // namespace

std::string resolveModel(const std::string& argument) {
  std::error_code error;
  if (fs::exists(argument, error)) {
    return argument;
  }
  if (std::find(kBundled.begin(), kBundled.end(), argument) == kBundled.end()) {
    throw model::Error(fmt::format(
        "{} does not exist, expected a GGUF file, a Hugging Face folder, or one of mha, gqa, mqa", argument));
  }
  const std::vector<fs::path> folders = modelFolders();
  for (const fs::path& folder : folders) {
    const fs::path file = folder / (argument + ".gguf");
    if (fs::exists(file, error)) return file.string();
  }
  throw model::Error(
      fmt::format("The bundled model {} is missing: no {}.gguf in {} or a folder above it; set "
                  "HEADROOM_ASSETS to the assets folder",
                  argument, argument, folders.front().string()));
}

model::Model openModel(const std::string& argument) {
  return formats::loadModel(resolveModel(argument));
}

}  // namespace headroom::cli
