#pragma once

#include "core/engine/device_model.h"
#include "core/engine/vulkan_decoder.h"

namespace headroom::tests {

/// How a test builds a decoder beyond its options.
struct DecoderBuild {
  engine::DeviceStorage storage = engine::DeviceStorage::AsStored;
  engine::KernelBuild build = engine::KernelBuild::Plain;
};

/// Base of UploadedDecoder: what is there before the decoder and goes after it.
struct OwnedDeviceModel {
  engine::DeviceModel deviceModel;
};

/// A decoder with a DeviceModel of its own, for tests that need one of each.
class UploadedDecoder final : private OwnedDeviceModel, public engine::VulkanDecoder {
 public:
  UploadedDecoder(vulkan::Device& device, const model::Model& model, const model::DecoderOptions& options,
                  const DecoderBuild& build = {})
      : OwnedDeviceModel{engine::DeviceModel(device, model, options.kernels, {.storage = build.storage})},
        VulkanDecoder(OwnedDeviceModel::deviceModel, options, build.build) {}

  const engine::DeviceModel& uploaded() const { return deviceModel; }
};

}  // namespace headroom::tests
