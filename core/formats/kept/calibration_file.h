#pragma once

#include <optional>
#include <string>

#include "core/formats/kept/kept_json.h"
#include "core/model/config.h"
#include "core/model/kernel_plan.h"

namespace headroom::formats {

/// The calibration of a device and driver, kept as JSON in a folder.
class CalibrationFile {
 public:
  /// `folder` as of cacheFolder(); it is made when needed. An empty one keeps nothing.
  CalibrationFile(const std::string& folder, const std::string& device, const std::string& driver);

  const std::string& path() const { return m_kept.path(); }
  /// Nothing when there is no file, or it is not a whole one of this device and driver.
  std::optional<model::Calibration> load() const;
  /// Throws model::Error when it cannot be written.
  void save(const model::Calibration& calibration) const;

 private:
  KeptJson m_kept;
};

/// What the calibration kept for this device chose; what its kind defaults to when none was kept.
model::KernelPlan keptPlan(const std::string& device, const std::string& driver);

/// The model that calibrations decode: small enough for seconds, large enough that weights and cache outweigh
/// the cost of dispatches.
model::ModelConfig calibrationShape();

}  // namespace headroom::formats
