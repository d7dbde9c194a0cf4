#pragma once

#include "core/engine/kernel_code.h"
#include "core/engine/step_shape.h"
#include "core/vulkan/kernel.h"

namespace headroom::engine {

/// The kernels of one model shape for one token tile.
struct StepKernels {
  StepKernels(vulkan::Device& device, const StepShape& shape, TokenTile tile);

  TokenTile tile;
  vulkan::Kernel embedding;
  vulkan::Kernel qkvProjection;
  vulkan::Kernel attentionDecode;
  vulkan::Kernel attentionOutput;
  vulkan::Kernel ffnGateUp;
  vulkan::Kernel ffnDown;
  vulkan::Kernel logits;
};

}  // namespace headroom::engine
