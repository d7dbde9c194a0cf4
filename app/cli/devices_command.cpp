#include <optional>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/report_parts.h"
#include "core/formats/kept/cache_folder.h"
#include "core/formats/kept/calibration_file.h"
#include "core/lanes/device_lanes.h"
#include "core/model/error.h"
#include "core/model/quantity.h"
#include "core/vulkan/check.h"
#include "core/vulkan/device.h"

namespace headroom::cli {

namespace {

using vulkan::DeviceInfo;

/// Ceilings, and whether this very run measured them.
struct Probed {
  model::DeviceCeilings ceilings;
  model::Freshness freshness = model::Freshness::Measured;
};

Probed probe(lanes::DeviceLanes& device, model::Freshness wanted) {
  if (wanted == model::Freshness::Kept) {
    const model::DeviceCeilings kept = device.ceilings(model::Freshness::Kept);
    if (kept.known()) return {kept, model::Freshness::Kept};
  }
  return {device.ceilings(model::Freshness::Measured), model::Freshness::Measured};
}

nlohmann::ordered_json describe(const Probed& probed) {
  const model::DeviceCeilings& ceilings = probed.ceilings;
  return {{"date", ceilings.date},
          {"measured", probed.freshness == model::Freshness::Kept ? "earlier" : "now"},
          {"memory_gb_per_s", ceilings.memoryRead()},
          {"copy", curveDocument(ceilings.copy)},
          {"read", curveDocument(ceilings.read)},
          {"cold_read", curveDocument(ceilings.coldRead)},
          {"fma_gflops", ceilings.fmaGflops},
          {"empty_dispatch_us", ceilings.emptyDispatchUs}};
}

nlohmann::ordered_json describe(const DeviceInfo& info, const std::optional<Probed>& probed) {
  nlohmann::ordered_json document = {{"index", info.index},
                                     {"name", info.name},
                                     {"label", info.label},
                                     {"type", vulkan::typeName(info.type)},
                                     {"driver", info.driver},
                                     {"vulkan", vulkan::versionText(info.apiVersion)},
                                     {"subgroup_size", info.subgroupSize},
                                     {"memory_bytes", info.memoryBytes},
                                     {"computes", info.computeQueueFamily.has_value()},
                                     {"limits",
                                      {{"max_storage_buffer_range", info.limits.maxStorageBufferRange},
                                       {"max_texel_buffer_elements", info.limits.maxTexelBufferElements},
                                       {"max_compute_shared_memory", info.limits.maxComputeSharedMemorySize},
                                       {"max_push_constants", info.limits.maxPushConstantsSize},
                                       {"storage_16_bit", info.storage16Bit},
                                       {"timestamp_period_ns", info.timestampPeriodNs}}}};
  if (probed) document["probe"] = describe(*probed);
  return document;
}

void print(const DeviceInfo& info, const std::optional<Probed>& probed) {
  const auto row = [](std::string_view label, const std::string& value) {
    fmt::print("   {:<20}{}\n", label, value);
  };
  fmt::print("{}  {}\n", info.index, info.label);
  row("type", fmt::format("{}, Vulkan {}, {}", vulkan::typeName(info.type),
                          vulkan::versionText(info.apiVersion), info.driver));
  if (!info.computeQueueFamily) row("cannot decode", "it has no compute queue");
  row("memory", fmt::format("{} bytes", info.memoryBytes));
  row("subgroup", fmt::format("{} invocations", info.subgroupSize));
  row("limits", fmt::format("storage buffer {} bytes, texel buffer {} texels, shared memory {} bytes",
                            info.limits.maxStorageBufferRange, info.limits.maxTexelBufferElements,
                            info.limits.maxComputeSharedMemorySize));
  row("f16 cache", info.storage16Bit ? "yes" : "no (no 16-bit storage)");
  row("time stamps",
      info.timestampPeriodNs > 0.0 ? fmt::format("every {} ns", info.timestampPeriodNs) : "none");
  if (!probed) return;
  const model::DeviceCeilings& ceilings = probed->ceilings;
  row("measured", probed->freshness == model::Freshness::Kept
                      ? fmt::format("on {}, kept since then (--probe-again measures anew)", ceilings.date)
                      : fmt::format("now, {}", ceilings.date));
  const auto curve = [&](std::string_view label, const std::string& what,
                         std::span<const model::MemoryPoint> points) {
    row(label, what);
    for (const model::MemoryPoint& point : points)
      row("",
          fmt::format("{:>8}  {:8.1f}", model::bytesText(point.workingSetBytes), point.gigabytesPerSecond));
  };
  curve("  read", "GB/s, the same bytes again and again", ceilings.read);
  curve("  read, cold", "GB/s of one dispatch, bytes that are in no cache", ceilings.coldRead);
  curve("  copy", "GB/s read plus written, by bytes of source and target", ceilings.copy);
  row("  FMA", fmt::format("{:.1f} GFLOP/s, float32", ceilings.fmaGflops));
  row("  dispatch", fmt::format("{:.1f} us with its barrier", ceilings.emptyDispatchUs));
}

model::Calibration kept(const DeviceInfo& info) {
  return formats::CalibrationFile(formats::cacheFolder(), info.name, info.driver)
      .load()
      .value_or(model::Calibration{});
}

nlohmann::ordered_json describe(const model::Calibration& calibration) {
  if (!calibration.known()) return {{"plan", "default"}, {"calibrated", nullptr}};
  nlohmann::ordered_json candidates = nlohmann::ordered_json::array();
  for (const auto& [plan, stepMs] : calibration.candidates) {
    candidates.push_back({{"plan", planText(plan)}, {"step_ms", stepMs}});
  }
  return {{"plan", planText(calibration.plan)},
          {"calibrated", calibration.date},
          {"measured", calibration.measured},
          {"candidates", candidates}};
}

void print(const model::Calibration& calibration) {
  if (!calibration.known()) {
    fmt::print("   {:<20}default for the kind of device (--calibrate measures)\n", "kernels");
    return;
  }
  fmt::print("   {:<20}{}\n", "kernels", planText(calibration.plan));
  fmt::print("   {:<20}on {}: {}\n", "  measured", calibration.date, calibration.measured);
  for (const auto& [plan, stepMs] : calibration.candidates) {
    fmt::print("   {:<20}{:8.3f} ms  {}\n", "", stepMs, planText(plan));
  }
}

class DevicesCommand final : public Command {
 public:
  DevicesCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "devices",
                "Vulkan devices, what they offer, and what they reach with --probe") {
    app().add_flag("--probe", m_probe,
                   "Copy bandwidth, FMA rate and the cost of a dispatch: as kept from an earlier run on this "
                   "device and driver, else measured");
    app().add_flag("--calibrate", m_calibrate,
                   "Measure which kernels are fastest here, and use those from now on");
    app().add_flag("--probe-again", m_probeAgain, "The same, measured now and kept");
  }

  void run() override {
    try {
      listAll();
    } catch (const vulkan::Error& error) {
      throw model::Error(error.what());
    }
  }

 private:
  void listAll() {
    const vulkan::Instance instance;
    std::vector<DeviceInfo> devices = vulkan::listDevices(instance);
    if (!global().device.empty() || devices.empty())
      devices = {vulkan::chooseDevice(instance, global().device)};
    nlohmann::ordered_json document = nlohmann::ordered_json::array();
    for (const DeviceInfo& info : devices) {
      std::optional<Probed> probed;
      lanes::DeviceLanes device({.device = std::to_string(info.index)});
      // Of a list, what cannot be measured is shown without; of a device that was asked for, it is an error.
      const bool measures = info.computeQueueFamily.has_value() || !global().device.empty();
      if (measures && (m_probe || m_probeAgain))
        probed = probe(device, m_probeAgain ? model::Freshness::Measured : model::Freshness::Kept);
      const model::Calibration calibration = measures && m_calibrate ? device.calibrate() : kept(info);
      if (global().json) {
        document.push_back(describe(info, probed));
        document.back()["kernels"] = describe(calibration);
      } else {
        print(info, probed);
        print(calibration);
      }
    }
    if (global().json) fmt::print("{}\n", nlohmann::ordered_json{{"devices", document}}.dump(2));
  }

  bool m_calibrate = false;
  bool m_probe = false;
  bool m_probeAgain = false;
};

}  // namespace

std::unique_ptr<Command> registerDevicesCommand(CLI::App& parent, const GlobalOptions& global) {
  return std::make_unique<DevicesCommand>(parent, global);
}

}  // namespace headroom::cli
