#include <optional>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/report_parts.h"
#include "core/lanes/device_lanes.h"
#include "core/lanes/machine.h"

namespace headroom::cli {

namespace {

using lanes::DeviceFacts;

nlohmann::ordered_json describe(const lanes::FoundCeilings& found) {
  nlohmann::ordered_json document = {
      {"date", found.ceilings.date},
      {"measured", found.freshness == model::Freshness::Kept ? "earlier" : "now"},
      {"memory_gb_per_s", found.ceilings.memoryRead()}};
  document.update(ceilingsDocument(found.ceilings));
  return document;
}

nlohmann::ordered_json describe(const DeviceFacts& device,
                                const std::optional<lanes::FoundCeilings>& probed) {
  nlohmann::ordered_json document = {
      {"index", device.index},
      {"name", device.name},
      {"label", device.label},
      {"type", device.type},
      {"driver", device.driver},
      {"vulkan", device.vulkanVersion},
      {"subgroup_size", device.subgroupSize},
      {"compute_units",
       device.computeUnits > 0 ? nlohmann::ordered_json(device.computeUnits) : nlohmann::ordered_json()},
      {"cooperative_matrix_side",
       device.matrixSide > 0 ? nlohmann::ordered_json(device.matrixSide) : nlohmann::ordered_json()},
      {"memory_bytes", device.memoryBytes},
      {"computes", device.computes},
      {"limits",
       {{"max_storage_buffer_range", device.maxStorageBufferRange},
        {"max_texel_buffer_elements", device.maxTexelBufferElements},
        {"max_compute_shared_memory", device.maxSharedMemory},
        {"max_push_constants", device.maxPushConstants},
        {"storage_16_bit", device.storage16Bit},
        {"timestamp_period_ns", device.timestampPeriodNs}}}};
  if (probed) document["probe"] = describe(*probed);
  return document;
}

nlohmann::ordered_json describe(const std::vector<model::Calibration>& calibrations) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const model::Calibration& calibration : calibrations) {
    nlohmann::ordered_json candidates = nlohmann::ordered_json::array();
    for (const auto& [plan, stepMs] : calibration.candidates) {
      candidates.push_back({{"plan", planText(plan)}, {"step_ms", stepMs}});
    }
    all.push_back({{"shape", calibration.shape},
                   {"plan", planText(calibration.plan)},
                   {"calibrated", calibration.date},
                   {"measured", calibration.measured},
                   {"candidates", candidates}});
  }
  return all;
}

void print(const std::vector<lanes::DeviceLine>& lines) {
  fmt::print("{}", lanes::inRows(lines));
}

class DevicesCommand final : public Command {
 public:
  DevicesCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "devices",
                "Vulkan devices, what they offer, and what they reach with --probe") {
    app().add_flag("--probe", m_probe,
                   "Copy bandwidth, FMA rate and the cost of a dispatch: as kept from an earlier run on this "
                   "device and driver, else measured");
    app().add_flag("--probe-again", m_probeAgain, "As --probe, measured now and kept");
    auto* calibrate = app().add_flag("--calibrate", m_calibrate,
                                     "Measure which kernels are fastest here for models of the shape of each "
                                     "--model, and use those from now on");
    app()
        .add_option("--model", m_models, "Models for --calibrate: names or paths; the bundled ones without")
        ->needs(calibrate);
  }

  void run() override {
    std::vector<DeviceFacts> devices = lanes::listDevices();
    if (!global().device.empty() || devices.empty()) devices = {lanes::findDevice(global().device)};
    nlohmann::ordered_json document = nlohmann::ordered_json::array();
    for (DeviceFacts& device : devices) {
      std::optional<lanes::FoundCeilings> probed;
      lanes::DeviceLanes lanes({.device = std::to_string(device.index)});
      // Of a list, what cannot be measured is shown without; of a device that was asked for, it is an error.
      const bool measures = device.computes || !global().device.empty();
      if (measures && m_probeAgain)
        probed = {lanes.ceilings(model::Freshness::Measured), model::Freshness::Measured};
      else if (measures && m_probe)
        probed = lanes::keptElseMeasured(lanes);
      if (measures && m_calibrate) {
        for (const std::string& model : m_models.empty() ? lanes::bundledModels() : m_models)
          lanes.calibrate(lanes.load(model));
        device = lanes::findDevice(std::to_string(device.index));
      }
      if (global().json) {
        document.push_back(describe(device, probed));
        document.back()["kernels"] = describe(device.calibrations);
      } else {
        print(device, probed);
      }
    }
    if (global().json) fmt::print("{}\n", nlohmann::ordered_json{{"devices", document}}.dump(2));
  }

 private:
  static void print(const DeviceFacts& device, const std::optional<lanes::FoundCeilings>& probed) {
    fmt::print("{}  {}\n", device.index, device.label);
    cli::print(lanes::deviceLines(device));
    if (probed) cli::print(lanes::ceilingLines(probed->ceilings));
    if (probed && probed->freshness == model::Freshness::Kept)
      cli::print({{"", "kept since then; --probe-again measures anew"}});
    cli::print(lanes::kernelLines(device.calibrations));
    if (device.calibrations.empty()) cli::print({{"", "--calibrate measures which are fastest"}});
  }

  bool m_calibrate = false;
  std::vector<std::string> m_models;
  bool m_probe = false;
  bool m_probeAgain = false;
};

}  // namespace

std::unique_ptr<Command> registerDevicesCommand(CLI::App& parent, const GlobalOptions& global) {
  return std::make_unique<DevicesCommand>(parent, global);
}

}  // namespace headroom::cli
