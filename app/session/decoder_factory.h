#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/session/lane.h"
#include "core/model/device_ceilings.h"

namespace headroom::session {

/// Opens lanes; lives on the session's thread and outlives the lanes it opened.
class LaneFactory {
 public:
  virtual ~LaneFactory() = default;
  /// Loads what `request` names and makes its decoder. `progress` is told the share of the weights that is on
  /// the device, and may throw model::Cancelled to end it. Throws model::Error, model::DeviceLost among them.
  virtual LaneEngine open(const LaneRequest& request, const std::function<void(double)>& progress) = 0;
  /// What the lanes' device reaches. Kept: unknown ceilings unless they were measured earlier on this device
  /// and driver. Measured: takes about a second. Throws model::Error.
  virtual model::DeviceCeilings ceilings(model::Freshness freshness) = 0;
  /// After the device was lost, and every lane on it is gone: the next one opens a device anew.
  virtual void forgetDevice() = 0;
};

/// Names of the models that come with the application, in the order in which they are offered.
const std::vector<std::string>& bundledModels();
/// "MHA" for "mha"; for a path the file's name without folder and ending, or the folder's name.
std::string laneTitle(const std::string& source);

/// Lanes that decode on the Vulkan device.
std::unique_ptr<LaneFactory> vulkanLaneFactory();

}  // namespace headroom::session
