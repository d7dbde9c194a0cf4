#pragma once

#include "core/model/device_ceilings.h"
#include "core/vulkan/device.h"

namespace headroom::engine {

/// What a device's memory and caches reach, by working set.
struct MemoryCurves {
  std::vector<model::MemoryPoint> copy;
  std::vector<model::MemoryPoint> read;
  std::vector<model::MemoryPoint> coldRead;
};

/// Measures all curves; as far as memory is free. Throws vulkan::Error.
MemoryCurves probeMemory(vulkan::Device& device);

}  // namespace headroom::engine
