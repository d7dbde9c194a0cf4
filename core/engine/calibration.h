#pragma once

#include "core/model/kernel_plan.h"
#include "core/model/model.h"
#include "core/vulkan/device.h"

namespace headroom::engine {

/// Finds the kernel plan that decodes `model` fastest on this device: first the family, then its workgroups,
/// then how attention is split. Each candidate's steps alternate with those of the best so far, so that only
/// ratios within one run count, and it must be 5 % faster to win. Takes seconds; nothing else may run on the
/// device. Throws model::Error when no plan runs.
model::Calibration calibrate(vulkan::Device& device, const model::Model& model);

}  // namespace headroom::engine
