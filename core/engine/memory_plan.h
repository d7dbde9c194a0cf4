#pragma once

#include <functional>

#include "core/engine/step_shape.h"
#include "core/engine/weight_layout.h"
#include "core/model/memory_need.h"
#include "core/model/model.h"

namespace headroom::engine {

/// What a DeviceModel of that layout takes: weights. Exact, before the device rounds each buffer up.
model::MemoryNeed memoryNeed(const WeightLayout& layout);
/// What a decoder of that shape takes beside its DeviceModel: cache and working memory. Exact likewise.
model::MemoryNeed memoryNeed(const vulkan::DeviceInfo& device, const StepShape& shape);
/// Both, for `model` on `device` with `options`. Throws model::Error when it has no kernels for the model.
model::MemoryNeed memoryNeed(const vulkan::DeviceInfo& device, const model::Model& model,
                             const model::DecoderOptions& options,
                             DeviceStorage storage = DeviceStorage::AsStored);

/// Throws vulkan::Error when `need` is more than what is free: how much is needed, free and there.
void refuseIfTooLarge(const vulkan::DeviceInfo& device, const vulkan::DeviceMemory& memory,
                      const model::MemoryNeed& need);
/// The same for a decoder of `shape`, with its weights when they are not on the device yet: also says which
/// context would fit.
void refuseIfTooLarge(const vulkan::DeviceInfo& device, const vulkan::DeviceMemory& memory,
                      const StepShape& shape, const model::MemoryNeed& need);

/// Throws model::Error when a DeviceModel of `model` and a decoder of `options` would not both fit: before
/// the first of them takes its time. Throws also when there are no kernels.
void requireRoom(const vulkan::Device& device, const model::Model& model,
                 const model::DecoderOptions& options, DeviceStorage storage = DeviceStorage::AsStored);

}  // namespace headroom::engine
