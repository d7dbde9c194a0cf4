#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/device_model.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/vulkan/device.h"
#include "core/vulkan/instance.h"

namespace headroom::cli {

/// How a command runs its models, as its options say.
struct DecoderChoice {
  std::string backend = "vulkan";
  std::string kvType = "f32";
  std::string attention = "shared";
  std::string kernels;  ///< a kernel plan; empty for what the device's calibration chose
  int batch = 1;
  int contextLength = 0;  ///< 0: the model's own

  /// Adds --backend and --kv-type.
  void addOptions(CLI::App& app);
};

/// What the calibration kept for this device chose; the default for its kind when there is none.
model::KernelPlan calibratedPlan(const vulkan::DeviceInfo& device);

/// Makes decoders of one kind, on one Vulkan device that is opened with the first. Outlives its decoders.
class DecoderFactory {
 public:
  /// `device` as --device names it; empty for the best one.
  DecoderFactory(const DecoderChoice& choice, const std::string& device);

  /// A model that the shaders cannot run gets the reference, with a note on stderr. Throws model::Error when
  /// there is no such device or it cannot run the model.
  std::unique_ptr<model::Decoder> make(const model::Model& model);

 private:
  std::unique_ptr<model::Decoder> makeVulkan(const model::Model& model);

  std::string m_backend;
  std::string m_deviceName;
  model::DecoderOptions m_options;
  std::unique_ptr<vulkan::Instance> m_instance;
  std::unique_ptr<vulkan::Device> m_device;
  std::vector<std::unique_ptr<engine::DeviceModel>> m_deviceModels;  ///< of the decoders made so far
};

}  // namespace headroom::cli
