#pragma once

#include <functional>

#include "core/lanes/lane.h"
#include "core/model/device_ceilings.h"

namespace headroom::lanes {

/// What a calibration tells and asks.
struct CalibrationWatch {
  std::function<void()> begins;  ///< told before anything is measured
  std::function<bool()> stop;    ///< asked between steps; what was measured until then is lost
};

/// Opens lanes; outlives the lanes that it opened, and is used on one thread.
class LaneOpener {
 public:
  virtual ~LaneOpener() = default;
  /// Loads what `request` names, unless a lane has it already, and makes a decoder. `progress` is told how
  /// much of that is done, 0 to 1: the weights' bytes checked in the file, if they are new, and copied to the
  /// device. It may throw model::Cancelled to end it. Throws
  /// model::Error, model::DeviceLost among them.
  virtual LaneEngine open(const LaneRequest& request, const std::function<void(double)>& progress) = 0;
  /// What the lanes' device reaches. Kept: unknown ceilings unless they were measured earlier on this device
  /// and driver. Measured: takes a few seconds. Throws model::Error.
  virtual model::DeviceCeilings ceilings(model::Freshness freshness) = 0;
  /// Finds and keeps which kernels are the fastest for that lane's model on its device, unless that is known
  /// for the device, driver and shape of model: what loads such a model later decodes with them, lanes that
  /// have it go on as they are. Takes seconds. Nothing to do for a lane without kernels to choose, or on a
  /// device that other work disturbs. Throws model::Error.
  virtual void calibrate(const LaneEngine& lane, const CalibrationWatch& watch) { (void)lane, (void)watch; }
  /// After the device was lost, and every lane on it is gone: the next one opens a device anew.
  virtual void forgetDevice() = 0;
};

/// Ceilings, and whether they were measured just now.
struct FoundCeilings {
  model::DeviceCeilings ceilings;
  model::Freshness freshness = model::Freshness::Measured;
};
/// As kept from an earlier run, else measured. Throws model::Error.
inline FoundCeilings keptElseMeasured(LaneOpener& opener) {
  const model::DeviceCeilings kept = opener.ceilings(model::Freshness::Kept);
  if (kept.known()) return {kept, model::Freshness::Kept};
  return {opener.ceilings(model::Freshness::Measured), model::Freshness::Measured};
}

}  // namespace headroom::lanes
