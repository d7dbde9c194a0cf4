#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/device_ceilings.h"

namespace headroom::lanes {

/// What a Vulkan device says of itself, and what was measured on it earlier.
struct DeviceFacts {
  int index = 0;
  std::string label;  ///< its name; "NAME #2" for the second one of a name
  std::string type;   ///< "software", "discrete GPU"
  std::string driver;
  std::string vulkanVersion;
  bool computes = false;  ///< it has a compute queue: without one it cannot decode
  std::uint64_t memoryBytes = 0;
  std::uint32_t subgroupSize = 0;
  std::uint64_t maxStorageBufferRange = 0;  ///< bytes
  std::uint32_t maxSharedMemory = 0;        ///< bytes
  bool storage16Bit = false;
  double timestampPeriodNs = 0.0;    ///< 0: none
  model::DeviceCeilings ceilings;    ///< unknown unless they were kept
  std::string kernelPlan;            ///< of lanes that decode there
  std::string calibrationDate = {};  ///< of the plan; empty for the default of its kind
};

/// Every device of Vulkan 1.2 or newer. Throws model::Error when Vulkan cannot be had at all.
std::vector<DeviceFacts> listDevices();

/// What `--device` and DeviceLanes call the device with that label; nothing when there is none that decodes.
std::optional<std::string> deviceNamed(const std::string& label, const std::vector<DeviceFacts>& devices);

/// Where ceilings and calibrations are kept; empty when nothing is.
std::string measurementsFolder();
/// Deletes them there, so that they are measured anew. How many there were. Throws model::Error.
int forgetMeasurements();

}  // namespace headroom::lanes
