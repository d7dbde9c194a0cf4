#include "app/cli/decoder_factory.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/cli/command.h"
#include "core/engine/memory_plan.h"
#include "core/engine/reference_fallback.h"
#include "core/engine/vulkan_decoder.h"
#include "core/formats/kept/cache_folder.h"
#include "core/formats/kept/calibration_file.h"
#include "core/model/error.h"
#include "core/reference/reference_decoder.h"
#include "core/vulkan/check.h"

namespace headroom::cli {

void DecoderChoice::addOptions(CLI::App& app) {
  app.add_option("--backend", backend, "What computes: compute shaders, or float64 on the processor")
      ->check(CLI::IsMember({"vulkan", "reference"}))
      ->capture_default_str();
  app.add_option("--kv-type", kvType, "Element type of the KV cache")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->capture_default_str();
  app.add_option(
      "--kernels", kernels,
      "Kernel plan: packed or rows, then rowBlocks=, invocations=, attentionWorkgroups=; what this device's "
      "calibration chose when not given");
}

model::KernelPlan calibratedPlan(const vulkan::DeviceInfo& device) {
  const auto kept = formats::CalibrationFile(formats::cacheFolder(), device.name, device.driver).load();
  return kept ? kept->plan : model::KernelPlan{};
}

DecoderFactory::DecoderFactory(const DecoderChoice& choice, const std::string& device)
    : m_backend(choice.backend),
      m_deviceName(device),
      m_options({
          .kvType = choice.kvType == "f16" ? model::KvType::F16 : model::KvType::F32,
          .contextLength = choice.contextLength,
          .batch = choice.batch,
          .attention =
              choice.attention == "naive" ? model::AttentionKernel::Naive : model::AttentionKernel::Shared,
          .kernels = choice.kernels.empty()
                         ? model::KernelPlan{}
                         : parseOption("--kernels", [&] { return model::parsePlan(choice.kernels); }),
      }) {}

std::unique_ptr<model::Decoder> DecoderFactory::make(const model::Model& model) {
  if (m_backend == "vulkan") {
    const auto note = engine::referenceNote(model.config, m_options);
    if (!note) return makeVulkan(model);
    fmt::print(stderr, "headroom-cli: {}: {}\n", model.path, *note);
    return std::make_unique<reference::ReferenceDecoder>(model, m_options, *note);
  }
  if (!m_deviceName.empty()) {
    throw model::Error("--device chooses a Vulkan device; the reference backend runs on the processor");
  }
  return std::make_unique<reference::ReferenceDecoder>(model, m_options);
}

std::unique_ptr<model::Decoder> DecoderFactory::makeVulkan(const model::Model& model) {
  try {
    if (!m_device) {
      m_instance = std::make_unique<vulkan::Instance>();
      m_device = std::make_unique<vulkan::Device>(
          *m_instance, vulkan::chooseDevice(*m_instance, m_deviceName), formats::cacheFolder());
    }
    if (m_options.kernels == model::KernelPlan{}) m_options.kernels = calibratedPlan(m_device->info());
    engine::requireRoom(*m_device, model, m_options);
    m_deviceModels.push_back(std::make_unique<engine::DeviceModel>(*m_device, model, m_options.kernels));
    return std::make_unique<engine::VulkanDecoder>(*m_deviceModels.back(), m_options);
  } catch (const vulkan::Error& error) {
    throw model::Error(error.what());
  }
}

}  // namespace headroom::cli
