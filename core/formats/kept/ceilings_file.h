#pragma once

#include <optional>
#include <string>

#include "core/formats/kept/kept_json.h"
#include "core/model/device_ceilings.h"

namespace headroom::formats {

/// Ceilings kept as JSON, one file per device and driver in a folder.
class CeilingsFile {
 public:
  /// `folder` as of cacheFolder(); it is made when needed. An empty one keeps nothing.
  CeilingsFile(const std::string& folder, const std::string& device, const std::string& driver);

  const std::string& path() const { return m_kept.path(); }
  /// Nothing when there is no file, or it is not a whole one of this device and driver.
  std::optional<model::DeviceCeilings> load() const;
  /// Throws model::Error when it cannot be written.
  void save(const model::DeviceCeilings& ceilings) const;

 private:
  KeptJson m_kept;
};

}  // namespace headroom::formats
