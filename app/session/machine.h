#pragma once

#include <string>

#include "core/lanes/machine.h"

namespace headroom::session {

// What the machine has is core/lanes' business; views know it by these names.
using lanes::DeviceFacts;
using lanes::forgetMeasurements;
using lanes::listDevices;
using lanes::measurementsFolder;

/// Where lanes decode from the start on.
struct PreferredDevice {
  std::string argument;  ///< for deviceLanes(); empty for the best device
  std::string note;      ///< a sentence when the device that was chosen is not there
};

/// `label` as Settings::device() keeps it.
PreferredDevice preferredDevice(const std::string& label);

}  // namespace headroom::session
