#include "app/session/decoder_factory.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/engine/memory_plan.h"
#include "core/engine/probes.h"
#include "core/engine/reference_fallback.h"
#include "core/engine/translate_errors.h"
#include "core/engine/vulkan_decoder.h"
#include "core/formats/bundled_models.h"
#include "core/formats/kept/cache_folder.h"
#include "core/formats/kept/calibration_file.h"
#include "core/formats/kept/ceilings_file.h"
#include "core/formats/load_model.h"
#include "core/formats/trace/trace_file.h"
#include "core/model/error.h"
#include "core/model/trace_decoder.h"
#include "core/reference/reference_decoder.h"
#include "core/vulkan/device.h"
#include "core/vulkan/instance.h"

namespace headroom::session {

namespace {

struct OwnedDeviceModel {
  engine::DeviceModel deviceModel;
};

/// A lane's decoder with the weights that it alone uses.
class LaneDecoder final : private OwnedDeviceModel, public engine::VulkanDecoder {
 public:
  LaneDecoder(vulkan::Device& device, const model::Model& model, const model::DecoderOptions& options,
              const std::function<void(double)>& progress)
      : OwnedDeviceModel{engine::DeviceModel(device, model, options.kernels, {.progress = progress})},
        VulkanDecoder(deviceModel, options) {}

  model::MemoryNeed wholeNeed() const { return deviceModel.need() + need(); }
};

class VulkanLaneFactory final : public LaneFactory {
 public:
  LaneEngine open(const LaneRequest& request, const std::function<void(double)>& progress) override {
    const std::string path = formats::resolveModel(request.source);
    LaneEngine lane;
    lane.title = laneTitle(request.source);
    if (path.ends_with(".safetensors") && formats::isTrace(path)) return openTrace(path, std::move(lane));
    lane.model = std::make_unique<model::Model>(formats::loadModel(path));
    model::DecoderOptions options{.kvType = request.options.kvType,
                                  .contextLength = request.options.contextLength,
                                  .batch = request.options.batch,
                                  .attention = request.options.attention};
    if (const auto note = engine::referenceNote(lane.model->config, options)) {
      lane.decoder = std::make_unique<reference::ReferenceDecoder>(*lane.model, options, *note);
      return lane;
    }
    options.kernels = calibratedPlan();
    engine::requireRoom(device(), *lane.model, options);
    auto decoder = std::make_unique<LaneDecoder>(device(), *lane.model, options, progress);
    lane.memory = analysis::MemoryOutlook{.device = decoder->deviceName(),
                                          .need = decoder->wholeNeed(),
                                          .there = device().info().memoryBytes,
                                          .contextLength = decoder->options().contextLength,
                                          .kvType = options.kvType};
    lane.decoder = std::move(decoder);
    return lane;
  }

  model::DeviceCeilings ceilings(model::Freshness freshness) override {
    vulkan::Device& measured = device();
    const formats::CeilingsFile file(formats::cacheFolder(), measured.info().name, measured.info().driver);
    if (freshness == model::Freshness::Kept) return file.load().value_or(model::DeviceCeilings{});
    const model::DeviceCeilings ceilings =
        engine::translateErrors([&] { return engine::probeDevice(measured); });
    keep(file, ceilings);
    return ceilings;
  }

  void forgetDevice() override {
    m_device.reset();
    m_instance.reset();  // a driver that was reset may have to be found anew
  }

 private:
  static LaneEngine openTrace(const std::string& path, LaneEngine lane) {
    auto decoder = std::make_unique<model::TraceDecoder>(formats::readTrace(path));
    const model::Trace& trace = decoder->trace();
    lane.script = trace.tokens;
    lane.scriptPrompt = trace.promptTokens;
    lane.pieces = trace.pieces;
    lane.recorded = trace.recorded;
    lane.decoder = std::move(decoder);
    return lane;
  }

  /// The device comes with the first lane, on the thread that uses it. Throws model::Error.
  vulkan::Device& device() {
    if (m_device) return *m_device;
    engine::translateErrors([&] {
      if (!m_instance) m_instance.emplace();
      m_device.emplace(*m_instance, vulkan::chooseDevice(*m_instance, ""), formats::cacheFolder());
    });
    return *m_device;
  }

  /// What `headroom-cli devices --calibrate` found for this device; the default for its kind when it has not
  /// run.
  model::KernelPlan calibratedPlan() {
    const vulkan::DeviceInfo& info = device().info();
    const auto kept = formats::CalibrationFile(formats::cacheFolder(), info.name, info.driver).load();
    return kept ? kept->plan : model::KernelPlan{};
  }

  static void keep(const formats::CeilingsFile& file, const model::DeviceCeilings& ceilings) {
    try {
      file.save(ceilings);
    } catch (const model::Error&) {
      // A folder that cannot be written costs the next start a second, and nothing is wrong with the numbers.
    }
  }

  std::optional<vulkan::Instance> m_instance;
  std::optional<vulkan::Device> m_device;
};

}  // namespace

const std::vector<std::string>& bundledModels() {
  return formats::bundledModels();
}

std::string laneTitle(const std::string& source) {
  if (!formats::isBundled(source)) {
    const std::filesystem::path path(source);
    std::error_code ignored;
    // A folder's name is a model's name, "Qwen2.5-0.5B", whose dots begin no ending.
    if (!std::filesystem::is_directory(path, ignored)) return path.stem().string();
    return (path.has_filename() ? path : path.parent_path()).filename().string();
  }
  std::string title = source;
  std::transform(title.begin(), title.end(), title.begin(),
                 [](char letter) { return static_cast<char>(letter - 'a' + 'A'); });
  return title;
}

std::unique_ptr<LaneFactory> vulkanLaneFactory() {
  return std::make_unique<VulkanLaneFactory>();
}

}  // namespace headroom::session
