#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/formats/kept/kept_json.h"
#include "core/model/kernel_plan.h"

namespace headroom::formats {

/// The calibration of a device and driver for models of a shape, kept as JSON in a folder.
class CalibrationFile {
 public:
  /// `folder` as of cacheFolder(); it is made when needed. An empty one keeps nothing. `shape` as of
  /// model::shapeText().
  CalibrationFile(const std::string& folder, const std::string& device, const std::string& driver,
                  const std::string& shape);

  const std::string& path() const { return m_kept.path(); }
  /// Nothing when there is no file, or it is not a whole one of this device, driver and shape.
  std::optional<model::Calibration> load() const;
  /// Throws model::Error when it cannot be written.
  void save(const model::Calibration& calibration) const;

 private:
  std::string m_shape;
  KeptJson m_kept;
};

/// All that are kept in `folder` of that device and driver.
std::vector<model::Calibration> keptCalibrations(const std::string& folder, const std::string& device,
                                                 const std::string& driver);

}  // namespace headroom::formats
