#pragma once

#include <string>

#include "core/engine/device_model.h"
#include "core/engine/step_shape.h"
#include "core/engine/weight_layout.h"
#include "core/model/memory_need.h"
#include "core/vulkan/check.h"

namespace headroom::engine {

/// Weights that decoders are planned with.
struct PlannedWeights {
  model::MemoryNeed need;
  bool areThere = false;  ///< on the device: they take nothing more
};

/// What weights and a decoder on them take of a device's memory, computed before anything is allocated, and
/// whether what is not there yet fits. Exact, before the device rounds each buffer up.
struct MemoryPlan {
  model::MemoryNeed weights;
  model::MemoryNeed decoder;  ///< cache and working memory
  std::string refusal = {};  ///< how much is needed, free and there, and what would fit; empty when this does
  VkResult result = VK_SUCCESS;  ///< out of memory where it would fit a device that nobody else uses

  model::MemoryNeed need() const { return weights + decoder; }
  /// Throws vulkan::Error with the refusal, where there is one.
  void require() const;
};

/// Of weights and a decoder of that shape; of weights alone when it is null.
MemoryPlan planMemory(const vulkan::DeviceInfo& device, const vulkan::DeviceMemory& memory,
                      const PlannedWeights& weights, const StepShape* decoder);
/// Of a decoder of `options` on weights that are to be uploaded, or are there. Throws model::Error when there
/// are no kernels for it.
MemoryPlan planMemory(const vulkan::Device& device, const WeightLayout& weights,
                      const model::DecoderOptions& options);
MemoryPlan planMemory(const DeviceModel& weights, const model::DecoderOptions& options);

}  // namespace headroom::engine
