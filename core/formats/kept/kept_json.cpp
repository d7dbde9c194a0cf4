#include "core/formats/kept/kept_json.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/formats/files/atomic_file.h"
#include "core/formats/kept/cache_folder.h"

namespace headroom::formats {

KeptJson::KeptJson(const std::string& folder, const std::string& kind, const std::string& device,
                   const std::string& driver)
    : m_device(device), m_driver(driver) {
  if (folder.empty()) return;
  const std::string name = cacheFileName(kind, device, device + "\n" + driver);
  m_path = (std::filesystem::path(folder) / (name + ".json")).string();
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
