#include "core/lanes/machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/formats/kept/cache_folder.h"
#include "core/formats/kept/calibration_file.h"
#include "core/formats/kept/ceilings_file.h"
#include "core/formats/kept/kept_json.h"
#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/vulkan/check.h"
#include "core/vulkan/device.h"
#include "core/vulkan/instance.h"

namespace headroom::lanes {

namespace {
DeviceFacts factsOf(const vulkan::DeviceInfo& info) {
  const std::string folder = formats::cacheFolder();
  return {.index = info.index,
          .name = info.name,
          .label = info.label,
          .type = std::string(vulkan::typeName(info.type)),
          .driver = info.driver,
          .vulkanVersion = vulkan::versionText(info.apiVersion),
          .computes = info.computeQueueFamily.has_value(),
          .memoryBytes = info.memoryBytes,
          .subgroupSize = info.subgroupSize,
          .computeUnits = info.computeUnits,
          .matrixSide = info.matrixSide,
          .maxStorageBufferRange = info.limits.maxStorageBufferRange,
          .maxTexelBufferElements = info.limits.maxTexelBufferElements,
          .maxSharedMemory = info.limits.maxComputeSharedMemorySize,
          .maxPushConstants = info.limits.maxPushConstantsSize,
          .storage16Bit = info.storage16Bit,
          .timestampPeriodNs = info.timestampPeriodNs,
          .ceilings =
              formats::CeilingsFile(folder, info.name, info.driver).load().value_or(model::DeviceCeilings{}),
          .calibrations = formats::keptCalibrations(folder, info.name, info.driver)};
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

DeviceFacts findDevice(const std::string& name) {
  try {
    return factsOf(vulkan::chooseDevice(vulkan::Instance(), name));
  } catch (const vulkan::Error& error) {
    throw model::Error(error.what());
  }
}

std::vector<DeviceLine> deviceLines(const DeviceFacts& device) {
  std::vector<DeviceLine> lines = {
      {"type", fmt::format("{}, Vulkan {}, {}", device.type, device.vulkanVersion, device.driver)}};
  if (!device.computes) lines.push_back({"cannot decode", "it has no compute queue"});
  lines.push_back({"memory", fmt::format("{} bytes", device.memoryBytes)});
  lines.push_back({"subgroup", fmt::format("{} invocations", device.subgroupSize)});
  if (device.computeUnits > 0) lines.push_back({"multiprocessors", fmt::format("{}", device.computeUnits)});
  if (device.matrixSide > 0)
    lines.push_back({"matrices", fmt::format("cooperative, {0} x {0} of f16", device.matrixSide)});
  lines.push_back(
      {"limits",
       fmt::format("storage buffer {} bytes, texel buffer {} texels, shared memory {} bytes",
                   device.maxStorageBufferRange, device.maxTexelBufferElements, device.maxSharedMemory)});
  lines.push_back({"f16 cache", device.storage16Bit ? "yes" : "no (no 16-bit storage)"});
  lines.push_back({"time stamps", device.timestampPeriodNs > 0.0
                                      ? fmt::format("every {} ns", device.timestampPeriodNs)
                                      : "none"});
  return lines;
}

std::vector<DeviceLine> ceilingLines(const model::DeviceCeilings& ceilings) {
  if (!ceilings.known()) return {{"ceilings", "not measured"}};
  std::vector<DeviceLine> lines = {{"ceilings", "measured on " + ceilings.date}};
  const auto curve = [&](const char* label, const char* what, std::span<const model::MemoryPoint> points) {
    lines.push_back({label, what});
    for (const model::MemoryPoint& point : points) {
      lines.push_back({"", fmt::format("{:>8}  {:8.1f}", model::bytesText(point.workingSetBytes),
                                       point.gigabytesPerSecond)});
    }
  };
  curve("  read", "GB/s, the same bytes again and again", ceilings.read);
  curve("  read, cold", "GB/s of one dispatch, bytes that are in no cache", ceilings.coldRead);
  curve("  copy", "GB/s read plus written, by bytes of source and target", ceilings.copy);
  lines.push_back({"  FMA", fmt::format("{:.1f} GFLOP/s, float32", ceilings.fmaGflops)});
  lines.push_back({"  dispatch", fmt::format("{:.1f} us with its barrier", ceilings.emptyDispatchUs)});
  return lines;
}

std::vector<DeviceLine> kernelLines(std::span<const model::Calibration> calibrations) {
  if (calibrations.empty()) return {{"kernels", "default for the kind of device, not calibrated"}};
  std::vector<DeviceLine> lines = {{"kernels", "default for the kind of device, but for models of"}};
  for (const model::Calibration& calibration : calibrations) {
    lines.push_back({"", calibration.shape});
    lines.push_back({"  calibrated", fmt::format("on {}: {}; {}", calibration.date,
                                                 model::planText(calibration.plan), calibration.measured)});
    for (const auto& [plan, stepMs] : calibration.candidates)
      lines.push_back({"", fmt::format("{:8.3f} ms  {}", stepMs, model::planText(plan))});
  }
  return lines;
}

std::string inRows(const std::vector<DeviceLine>& lines) {
  std::string text;
  for (const auto& [label, value] : lines) text += fmt::format("   {:<20}{}\n", label, value);
  return text;
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
