#include "core/lanes/device_lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/engine/calibration.h"
#include "core/engine/device_model.h"
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
#include "core/formats/model_state.h"
#include "core/formats/trace/trace_file.h"
#include "core/model/error.h"
#include "core/model/trace_decoder.h"
#include "core/reference/reference_decoder.h"
#include "core/vulkan/device.h"
#include "core/vulkan/instance.h"

namespace headroom::lanes {

namespace {

/// A model with its weights on the device, once a lane decodes there.
class DeviceLoadedModel final : public LoadedModel {
 public:
  using LoadedModel::LoadedModel;
  std::unique_ptr<engine::DeviceModel> onDevice;

  /// How its weights lie there. Kept, for it takes reading them.
  const engine::WeightLayout& layout(const vulkan::DeviceInfo& device, const model::KernelPlan& kernels) {
    if (!m_layout || m_kernels != kernels) {
      m_layout.emplace(engine::WeightLayout::on(device, model(), kernels));
      m_kernels = kernels;
    }
    return *m_layout;
  }

 private:
  std::optional<engine::WeightLayout> m_layout;
  model::KernelPlan m_kernels;  // that were asked for
};

model::DecoderOptions decoderOptions(const LaneOptions& options) {
  return {.kvType = options.kvType,
          .contextLength = options.contextLength,
          .batch = options.batch,
          .attention = options.attention};
}

/// Of a lane on that device, with its need still open.
analysis::MemoryOutlook outlookOn(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                                  const LaneOptions& options) {
  return {.device = device.name,
          .there = device.memoryBytes,
          .contextLength = model::chosenContext(config, options.contextLength),
          .kvType = options.kvType};
}

/// A calibration of an opened model holds up what decodes.
constexpr double kMostCalibrationSeconds = 4.0;
constexpr double kMostCalibrationSpread = 0.15;

/// A folder that cannot be written costs the next start the same seconds, and nothing is wrong with the
/// numbers.
template <typename Save>
void keepIfPossible(const Save& save) {
  try {
    save();
  } catch (const model::Error&) {
  }
}

}  // namespace

const std::vector<std::string>& bundledModels() {
  return formats::bundledModels();
}

bool isBundled(const std::string& source) {
  return formats::isBundled(source);
}

std::string laneTitle(const std::string& source) {
  if (!isBundled(source)) {
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

DeviceLanes::DeviceLanes() = default;

DeviceLanes::DeviceLanes(Choice choice) : m_choice(std::move(choice)) {
  if (m_choice.backend == Backend::Reference && !m_choice.device.empty()) {
    throw model::Error("--device chooses a Vulkan device; the reference backend runs on the processor");
  }
}

DeviceLanes::~DeviceLanes() = default;

ModelUse DeviceLanes::load(const std::string& source, const std::function<void(double)>& progress) {
  const std::string path = formats::resolveModel(source);
  return m_store.use(formats::modelState(path),
                     [&] { return std::make_unique<DeviceLoadedModel>(formats::loadModel(path, progress)); });
}

ModelUse DeviceLanes::keep(const std::string& name, const std::function<model::Model()>& make) {
  return m_store.use(name, [&] { return std::make_unique<DeviceLoadedModel>(make()); });
}

LaneEngine DeviceLanes::open(const LaneRequest& request, const std::function<void(double)>& progress) {
  const std::string path = formats::resolveModel(request.source);
  if (path.ends_with(".safetensors") && formats::isTrace(path))
    return openTrace(path, laneTitle(request.source));
  bool checks = false;
  ModelUse model = load(request.source, [&](double share) {
    checks = true;
    progress(share / 2);
  });
  LaneEngine lane = decode(std::move(model), request.options,
                           [&](double share) { progress(checks ? (1 + share) / 2 : share); });
  lane.name = laneTitle(request.source);
  return lane;
}

LaneEngine DeviceLanes::decode(ModelUse model, const LaneOptions& options,
                               const std::function<void(double)>& progress) {
  const std::vector<model::HeadIntervention> changes = model::interventionsOf(options.changes, model->config);
  model::checkInterventions(changes, model->config);
  LaneEngine lane = decodeWhole(std::move(model), options, progress);
  if (!changes.empty()) lane.decoder->setInterventions(changes);
  lane.changes = options.changes;
  return lane;
}

LaneEngine DeviceLanes::decodeWhole(ModelUse model, const LaneOptions& options,
                                    const std::function<void(double)>& progress) {
  const model::DecoderOptions wanted = decoderOptions(options);
  LaneEngine lane;
  lane.name = model->config.name;
  const std::optional<std::string> note = fallbackNote(*model, options);
  if (m_choice.backend == Backend::Reference || note) {
    if (options.attention == model::AttentionKernel::Naive) {
      throw model::Error(fmt::format("the reference {}.", engine::kNoKernelsToChoose));
    }
    lane.decoder = std::make_unique<reference::ReferenceDecoder>(*model, wanted, note.value_or(""));
    lane.model = std::move(model);
    return lane;
  }
  auto& loaded = static_cast<DeviceLoadedModel&>(model.loaded());
  // Before the upload takes its time.
  const engine::MemoryPlan memory = planMemory(model, options);
  engine::translateErrors([&] { memory.require(); });
  // Weights that nobody decodes with go with their model.
  if (!loaded.onDevice) {
    loaded.onDevice = std::make_unique<engine::DeviceModel>(
        device(), loaded.layout(device().info(), plan(*model)), engine::UploadOptions{.progress = progress});
  }
  lane.decoder = std::make_unique<engine::VulkanDecoder>(*loaded.onDevice, wanted);
  lane.memory = outlookOn(device().info(), model->config, options);
  lane.memory->need = memory.need();
  lane.model = std::move(model);
  return lane;
}

LaneOutlook DeviceLanes::outlook(const ModelUse& model, const LaneOptions& options) {
  if (m_choice.backend == Backend::Reference) return {};
  try {
    if (const auto note = fallbackNote(*model, options)) return {*note, std::nullopt};
  } catch (const model::Error& error) {
    return {error.what(), std::nullopt};
  }
  analysis::MemoryOutlook memory = outlookOn(device().info(), model->config, options);
  try {
    const engine::MemoryPlan planned = planMemory(model, options);
    memory.need = planned.need();
    memory.refusal = planned.refusal;
  } catch (const model::Error& error) {
    memory.refusal = error.what();
  }
  return {"", memory};
}

engine::MemoryPlan DeviceLanes::planMemory(const ModelUse& model, const LaneOptions& options) {
  auto& loaded = static_cast<DeviceLoadedModel&>(model.loaded());
  const model::DecoderOptions wanted = decoderOptions(options);
  return loaded.onDevice ? engine::planMemory(*loaded.onDevice, wanted)
                         : engine::planMemory(device(), loaded.layout(device().info(), plan(*model)), wanted);
}

const engine::DeviceModel* DeviceLanes::onDevice(const ModelUse& model) const {
  return static_cast<const DeviceLoadedModel&>(model.loaded()).onDevice.get();
}

LaneEngine DeviceLanes::openTrace(const std::string& path, const std::string& title) const {
  auto decoder = std::make_unique<model::TraceDecoder>(formats::readTrace(path));
  const model::Trace& trace = decoder->trace();
  LaneEngine lane;
  lane.name = title;
  lane.script = trace.tokens;
  lane.scriptPrompt = trace.promptTokens;
  lane.pieces = trace.pieces;
  lane.recorded = trace.recorded;
  lane.decoder = std::move(decoder);
  return lane;
}

model::DeviceCeilings DeviceLanes::ceilings(model::Freshness freshness) {
  vulkan::Device& measured = device();
  const formats::CeilingsFile file(formats::cacheFolder(), measured.info().name, measured.info().driver);
  if (freshness == model::Freshness::Kept) return file.load().value_or(model::DeviceCeilings{});
  const model::DeviceCeilings ceilings =
      engine::translateErrors([&] { return engine::probeDevice(measured); });
  keepIfPossible([&] { file.save(ceilings); });
  return ceilings;
}

formats::CalibrationFile DeviceLanes::calibrationFile(const model::Model& model) {
  return {formats::cacheFolder(), device().info().name, device().info().driver, model::shapeText(model)};
}

void DeviceLanes::calibrate(const LaneEngine& lane, const CalibrationWatch& watch) {
  if (!lane.model || !lane.decoder->isOnDevice() || m_choice.kernels) return;
  // A software device draws the window as well: there no plan was ever told from another beside it.
  if (device().info().isSoftware()) return;
  const formats::CalibrationFile file = calibrationFile(*lane.model);
  if (file.load()) return;
  // Where one step takes that long there is nothing to wait for.
  const double readsPerSecond = 1e9 * ceilings(model::Freshness::Kept).memoryRead();
  const auto weightBytes = static_cast<double>(lane.model->weights.storedBytes());
  if (readsPerSecond > 0.0 && weightBytes / readsPerSecond > kMostCalibrationSeconds / 10.0) return;
  watch.begins();
  const model::Calibration calibration = engine::translateErrors([&] {
    return engine::calibrate(
        *onDevice(lane.model), *lane.model,
        {.seconds = kMostCalibrationSeconds, .spread = kMostCalibrationSpread, .stop = watch.stop});
  });
  if (calibration.known()) keepIfPossible([&] { file.save(calibration); });
}

model::Calibration DeviceLanes::calibrate(const ModelUse& model) {
  const model::Calibration calibration =
      engine::translateErrors([&] { return engine::calibrate(device(), *model); });
  calibrationFile(*model).save(calibration);
  return calibration;
}

void DeviceLanes::forgetDevice() {
  m_device.reset();
  m_instance.reset();  // a driver that was reset may have to be found anew
}

vulkan::Device& DeviceLanes::device() {
  if (m_device) return *m_device;
  engine::translateErrors([&] {
    if (!m_instance) m_instance = std::make_unique<vulkan::Instance>();
    m_device = std::make_unique<vulkan::Device>(
        *m_instance, vulkan::chooseDevice(*m_instance, m_choice.device), formats::cacheFolder());
  });
  return *m_device;
}

std::optional<std::string> DeviceLanes::fallbackNote(const model::Model& model,
                                                     const LaneOptions& options) const {
  if (m_choice.backend == Backend::Reference) return std::nullopt;
  return engine::referenceNote(model.config, decoderOptions(options));
}

model::KernelPlan DeviceLanes::plan(const model::Model& model) {
  if (m_choice.kernels) return *m_choice.kernels;
  const auto kept = calibrationFile(model).load();
  return kept ? kept->plan : model::KernelPlan{};
}

std::unique_ptr<LaneOpener> deviceLanes(const std::string& device) {
  return std::make_unique<DeviceLanes>(DeviceLanes::Choice{.device = device});
}

}  // namespace headroom::lanes
