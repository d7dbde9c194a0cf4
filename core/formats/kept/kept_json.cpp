#include "core/formats/kept/kept_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/formats/files/atomic_file.h"
#include "core/formats/kept/cache_folder.h"

namespace headroom::formats {

namespace {
constexpr std::array<std::string_view, 2> kKeptKinds{"ceilings", "kernels"};
}

KeptJson::KeptJson(const std::string& folder, const std::string& kind, const std::string& device,
                   const std::string& driver, const std::string& of)
    : m_device(device), m_driver(driver) {
  assert(std::ranges::find(kKeptKinds, kind) != kKeptKinds.end());
  if (folder.empty()) return;
  const std::string name =
      cacheFileName(kind, device, device + "\n" + driver + (of.empty() ? "" : "\n" + of));
  m_path = (std::filesystem::path(folder) / (name + ".json")).string();
}

std::vector<std::string> keptFiles(const std::string& folder, const std::string& kind) {
  std::error_code failed;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kind + "-") && name.ends_with(".json")) files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

int removeKept(const std::string& folder) {
  int removed = 0;
  for (const std::string_view kind : kKeptKinds) {
    for (const std::string& file : keptFiles(folder, std::string(kind))) {
      std::error_code failed;
      if (!std::filesystem::remove(file, failed) && failed)
        throw model::Error(fmt::format("Cannot delete {}: {}", file, failed.message()));
      ++removed;
    }
  }
  return removed;
}

void KeptJson::save(const nlohmann::ordered_json& document) const {
  if (m_path.empty()) return;
  std::error_code failed;
  const std::filesystem::path folder = std::filesystem::path(m_path).parent_path();
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    throw model::Error(fmt::format("Cannot make the folder {}: {}", folder.string(), failed.message()));
  }
  AtomicFile file(m_path);
  file.write(document.dump(2) + "\n");
  file.commit();
}

}  // namespace headroom::formats
