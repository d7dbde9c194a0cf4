#pragma once

#include "core/model/device_ceilings.h"
#include "core/vulkan/device.h"

namespace headroom::engine {

/// Measures what the device reaches: bandwidths as the fastest run had them, the rest as medians, in about 4
/// seconds on a software device. Nothing else may run
/// on it meanwhile. Throws vulkan::Error.
model::DeviceCeilings probeDevice(vulkan::Device& device);

}  // namespace headroom::engine
