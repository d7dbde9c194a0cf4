#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model/device_ceilings.h"
#include "core/model/kernel_plan.h"

namespace headroom::lanes {

/// What a Vulkan device says of itself, and what was measured on it earlier.
struct DeviceFacts {
  int index = 0;
  std::string name;
  std::string label;  ///< its name; "NAME #2" for the second one of a name
  std::string type;   ///< "software", "discrete GPU"
  std::string driver;
  std::string vulkanVersion;
  bool computes = false;  ///< it has a compute queue: without one it cannot decode
  std::uint64_t memoryBytes = 0;
  std::uint32_t subgroupSize = 0;
  std::uint32_t computeUnits = 0;            ///< multiprocessors; 0: the driver does not tell
  std::uint32_t matrixSide = 0;              ///< of cooperative matrices; 0: kernels have none
  std::uint64_t maxStorageBufferRange = 0;   ///< bytes
  std::uint32_t maxTexelBufferElements = 0;  ///< texels
  std::uint32_t maxSharedMemory = 0;         ///< bytes
  std::uint32_t maxPushConstants = 0;        ///< bytes
  bool storage16Bit = false;
  double timestampPeriodNs = 0.0;                ///< 0: none
  model::DeviceCeilings ceilings;                ///< unknown unless they were kept
  std::vector<model::Calibration> calibrations;  ///< those that were kept, one for each shape of model
};

/// Every device of Vulkan 1.2 or newer. Throws model::Error when Vulkan cannot be had at all.
std::vector<DeviceFacts> listDevices();
/// The one that `--device` names so; of an empty name the best one. Throws model::Error when there is none
/// that decodes.
DeviceFacts findDevice(const std::string& name);

/// A line about a device as people read it; of a curve, only the first line has a label.
struct DeviceLine {
  std::string label;
  std::string value;
};
/// What it says of itself, without index and name.
std::vector<DeviceLine> deviceLines(const DeviceFacts& device);
/// What was measured on it.
std::vector<DeviceLine> ceilingLines(const model::DeviceCeilings& ceilings);
/// Which kernels decode there.
std::vector<DeviceLine> kernelLines(std::span<const model::Calibration> calibrations);

/// One below the other, indented, as they stand below a device's name.
std::string inRows(const std::vector<DeviceLine>& lines);

/// What `--device` and DeviceLanes call the device with that label; nothing when there is none that decodes.
std::optional<std::string> deviceNamed(const std::string& label, const std::vector<DeviceFacts>& devices);

/// Where ceilings and calibrations are kept; empty when nothing is.
std::string measurementsFolder();
/// Deletes them there, so that they are measured anew. How many there were. Throws model::Error.
int forgetMeasurements();

}  // namespace headroom::lanes
