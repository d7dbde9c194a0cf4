#pragma once

#include "core/engine/device_weights.h"
#include "core/engine/step_shape.h"
#include "core/model/memory_need.h"
#include "core/model/model.h"

namespace headroom::engine {

/// What VulkanDecoder will allocate for `model` on `device`, up to the device's alignment. Throws
/// model::Error when it has no kernels for the model.
model::MemoryNeed memoryNeed(const vulkan::DeviceInfo& device, const model::Model& model,
                             const model::DecoderOptions& options,
                             DeviceStorage storage = DeviceStorage::AsStored);

/// Throws vulkan::Error, with both amounts and what would need less, when the device's memory cannot hold
/// that.
void refuseIfTooLarge(const vulkan::DeviceInfo& device, const StepShape& shape,
                      const model::MemoryNeed& need);

}  // namespace headroom::engine
