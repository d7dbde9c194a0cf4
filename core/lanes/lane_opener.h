#pragma once

#include <functional>

#include "core/lanes/lane.h"
#include "core/model/device_ceilings.h"

namespace headroom::lanes {

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
