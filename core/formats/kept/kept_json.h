#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/formats/json/json_reader.h"
#include "core/model/error.h"

namespace headroom::formats {

/// Deletes every file of a KeptJson in `folder`; what else lies there stays. How many there were. Throws
/// model::Error when one cannot be deleted.
int removeKept(const std::string& folder);

/// Every file of that kind in `folder`.
std::vector<std::string> keptFiles(const std::string& folder, const std::string& kind);

/// No file of a KeptJson is larger.
inline constexpr std::size_t kMostKeptBytes = 1 << 16;

/// What `parse` makes of the document, an optional of something with device and driver. Nothing when there is
/// no file, or it is no whole one.
template <typename Parse>
auto readKept(const std::string& path, const Parse& parse) -> decltype(parse(nlohmann::json())) {
  try {
    return parse(readJsonFile(path, kMostKeptBytes));
  } catch (const nlohmann::json::exception&) {
  } catch (const model::Error&) {
  }
  return {};
}

/// What was measured on a device, kept as JSON: a file per kind, device, driver and what it is of in a
/// folder.
class KeptJson {
 public:
  /// `folder` as of cacheFolder(); it is made when needed. An empty one keeps nothing. `of`: what else there
  /// is one of each kind for.
  KeptJson(const std::string& folder, const std::string& kind, const std::string& device,
           const std::string& driver, const std::string& of = {});

  const std::string& path() const { return m_path; }
  /// readKept() of this device's. Nothing as well when it is another's: then it is measured anew and
  /// replaced.
  template <typename Parse>
  auto load(const Parse& parse) const -> decltype(parse(nlohmann::json())) {
    if (m_path.empty()) return {};
    auto kept = readKept(m_path, parse);
    if (kept && kept->device == m_device && kept->driver == m_driver) return kept;
    return {};
  }
  /// Throws model::Error when it cannot be written.
  void save(const nlohmann::ordered_json& document) const;

 private:
  std::string m_path;
  std::string m_device;
  std::string m_driver;
};

}  // namespace headroom::formats
