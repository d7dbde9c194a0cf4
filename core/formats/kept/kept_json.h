#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/formats/json/json_reader.h"
#include "core/model/error.h"

namespace headroom::formats {

/// Deletes every file of a KeptJson in `folder`; what else lies there stays. How many there were. Throws
/// model::Error when one cannot be deleted.
int removeKept(const std::string& folder);

/// What was measured on a device, kept as JSON: a file per kind, device and driver in a folder.
class KeptJson {
 public:
  /// `folder` as of cacheFolder(); it is made when needed. An empty one keeps nothing.
  KeptJson(const std::string& folder, const std::string& kind, const std::string& device,
           const std::string& driver);

  const std::string& path() const { return m_path; }
  /// What `parse` makes of the document, an optional of something with device and driver. Nothing when there
  /// is no file, it is no whole one, or it is another device's: then it is measured anew and replaced.
  template <typename Parse>
  auto load(const Parse& parse) const -> decltype(parse(nlohmann::json())) {
    if (m_path.empty()) return {};
    try {
      auto kept = parse(readJsonFile(m_path, kMostBytes));
      if (kept && kept->device == m_device && kept->driver == m_driver) return kept;
    } catch (const nlohmann::json::exception&) {
    } catch (const model::Error&) {
    }
    return {};
  }
  /// Throws model::Error when it cannot be written.
  void save(const nlohmann::ordered_json& document) const;

 private:
  static constexpr std::size_t kMostBytes = 1 << 16;

  std::string m_path;
  std::string m_device;
  std::string m_driver;
};

}  // namespace headroom::formats
