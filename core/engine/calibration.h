#pragma once

#include <functional>
#include <optional>

#include "core/engine/device_model.h"
#include "core/model/kernel_plan.h"
#include "core/model/model.h"
#include "core/vulkan/device.h"

namespace headroom::engine {

/// What a calibration may take.
struct CalibrationLimits {
  /// Where the fewest steps would take longer, only the plan that there is is timed.
  std::optional<double> seconds = {};
  /// Where half of the steps of one plan lie farther apart than this part of their median, something else
  /// keeps the device busy, and what is the fastest beside it need not be so without: the plan that there is
  /// stays.
  std::optional<double> spread = {};
  /// Asked between steps; once it says yes, the calibration ends and nothing is known.
  std::function<bool()> stop = {};
};

/// Finds the kernel plan that decodes `model` fastest on this device: first the family and how matrices lie
/// for it, for each of which the model is uploaded, then as below. Nothing else may run on the device. Throws
/// model::Error when no plan runs.
model::Calibration calibrate(vulkan::Device& device, const model::Model& model);

/// Finds the plan that decodes the uploaded `model` fastest as its matrices lie: workgroups, then how
/// attention is split. Decode steps behind a quarter of its context and behind all of it are timed, of
/// contexts of up to 4,096 positions. Each candidate's steps alternate with those of the best so far, so that
/// only ratios within one run count, and it must be 5 % faster to win. Nothing else may run on the device.
/// Unknown where it was stopped, and where the device has no room for two more caches.
model::Calibration calibrate(const DeviceModel& uploaded, const model::Model& model,
                             const CalibrationLimits& limits);

}  // namespace headroom::engine
