#include <optional>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "core/engine/probes.h"
#include "core/model/error.h"
#include "core/vulkan/check.h"
#include "core/vulkan/device.h"

namespace headroom::cli {

namespace {

using vulkan::DeviceInfo;

std::string versionText(std::uint32_t version) {
  return fmt::format("{}.{}.{}", VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version),
                     VK_API_VERSION_PATCH(version));
}

nlohmann::ordered_json describe(const DeviceInfo& info, const std::optional<engine::DeviceProbe>& probe) {
  nlohmann::ordered_json document = {{"index", info.index},
                                     {"name", info.name},
                                     {"type", vulkan::typeName(info.type)},
                                     {"driver", info.driver},
                                     {"vulkan", versionText(info.apiVersion)},
                                     {"subgroup_size", info.subgroupSize},
                                     {"memory_bytes", info.memoryBytes},
                                     {"limits",
                                      {{"max_storage_buffer_range", info.limits.maxStorageBufferRange},
                                       {"max_texel_buffer_elements", info.limits.maxTexelBufferElements},
                                       {"max_compute_shared_memory", info.limits.maxComputeSharedMemorySize},
                                       {"max_push_constants", info.limits.maxPushConstantsSize},
                                       {"storage_16_bit", info.storage16Bit},
                                       {"timestamp_period_ns", info.timestampPeriodNs}}}};
  if (probe) {
    document["probe"] = {{"copy_gb_per_s", probe->copyGBps},
                         {"copy_megabytes", probe->copyMegabytes},
                         {"fma_gflops", probe->fmaGflops},
                         {"empty_dispatch_us", probe->emptyDispatchUs}};
  }
  return document;
}

void print(const DeviceInfo& info, const std::optional<engine::DeviceProbe>& probe) {
  const auto row = [](std::string_view label, const std::string& value) {
    fmt::print("   {:<20}{}\n", label, value);
  };
  fmt::print("{}  {}\n", info.index, info.name);
  row("type", fmt::format("{}, Vulkan {}, {}", vulkan::typeName(info.type), versionText(info.apiVersion),
                          info.driver));
  row("memory", fmt::format("{} bytes", info.memoryBytes));
  row("subgroup", fmt::format("{} invocations", info.subgroupSize));
  row("limits", fmt::format("storage buffer {} bytes, texel buffer {} texels, shared memory {} bytes",
                            info.limits.maxStorageBufferRange, info.limits.maxTexelBufferElements,
                            info.limits.maxComputeSharedMemorySize));
  row("f16 cache", info.storage16Bit ? "yes" : "no (no 16-bit storage)");
  row("time stamps",
      info.timestampPeriodNs > 0.0 ? fmt::format("every {} ns", info.timestampPeriodNs) : "none");
  if (probe) {
    row("copy (measured)", fmt::format("{:.1f} GB/s, read plus written, {:.0f} MB per copy", probe->copyGBps,
                                       probe->copyMegabytes));
    row("FMA (measured)", fmt::format("{:.1f} GFLOP/s, float32", probe->fmaGflops));
    row("dispatch (measured)", fmt::format("{:.1f} us with its barrier", probe->emptyDispatchUs));
  }
}

class DevicesCommand final : public Command {
 public:
  DevicesCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "devices",
                "Vulkan devices, what they offer, and what they reach with --probe") {
    app().add_flag("--probe", m_probe, "Measure copy bandwidth, FMA rate and the cost of a dispatch");
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
      std::optional<engine::DeviceProbe> probe;
      if (m_probe) {
        vulkan::Device device(instance, info);
        probe = engine::probeDevice(device);
      }
      if (global().json) {
        document.push_back(describe(info, probe));
      } else {
        print(info, probe);
      }
    }
    if (global().json) fmt::print("{}\n", nlohmann::ordered_json{{"devices", document}}.dump(2));
  }

  bool m_probe = false;
};

}  // namespace

std::unique_ptr<Command> registerDevicesCommand(CLI::App& parent, const GlobalOptions& global) {
  return std::make_unique<DevicesCommand>(parent, global);
}

}  // namespace headroom::cli
