#include "core/lanes/machine.h"

#include <algorithm>

#include "core/formats/kept/cache_folder.h"
#include "core/formats/kept/calibration_file.h"
#include "core/formats/kept/ceilings_file.h"
#include "core/formats/kept/kept_json.h"
#include "core/model/error.h"
#include "core/vulkan/check.h"
#include "core/vulkan/device.h"
#include "core/vulkan/instance.h"

namespace headroom::lanes {

namespace {
DeviceFacts factsOf(const vulkan::DeviceInfo& info) {
  const std::string folder = formats::cacheFolder();
  const auto calibration = formats::CalibrationFile(folder, info.name, info.driver).load();
  return {.index = info.index,
          .label = info.label,
          .type = std::string(vulkan::typeName(info.type)),
          .driver = info.driver,
          .vulkanVersion = vulkan::versionText(info.apiVersion),
          .computes = info.computeQueueFamily.has_value(),
          .memoryBytes = info.memoryBytes,
          .subgroupSize = info.subgroupSize,
          .maxStorageBufferRange = info.limits.maxStorageBufferRange,
          .maxSharedMemory = info.limits.maxComputeSharedMemorySize,
          .storage16Bit = info.storage16Bit,
          .timestampPeriodNs = info.timestampPeriodNs,
          .ceilings =
              formats::CeilingsFile(folder, info.name, info.driver).load().value_or(model::DeviceCeilings{}),
          .kernelPlan = calibration ? model::planText(calibration->plan) : "default for the kind of device",
          .calibrationDate = calibration ? calibration->date : ""};
}
}  // namespace

std::vector<DeviceFacts> listDevices() {
  std::vector<DeviceFacts> devices;
  try {
    const vulkan::Instance instance;
    for (const vulkan::DeviceInfo& info : vulkan::listDevices(instance)) devices.push_back(factsOf(info));
  } catch (const vulkan::Error& error) {
    throw model::Error(error.what());
  }
  return devices;
}

std::optional<std::string> deviceNamed(const std::string& label, const std::vector<DeviceFacts>& devices) {
  const auto found = std::ranges::find(devices, label, &DeviceFacts::label);
  if (found == devices.end() || !found->computes) return std::nullopt;
  return std::to_string(found->index);
}

std::string measurementsFolder() {
  return formats::cacheFolder();
}

int forgetMeasurements() {
  return formats::removeKept(formats::cacheFolder());
}

}  // namespace headroom::lanes
