#pragma once

#include "core/vulkan/device.h"

namespace headroom::engine {

/// What a device reaches at most, measured on it now. Medians of several runs.
struct DeviceProbe {
  double copyGBps = 0.0;         ///< bytes read plus bytes written by a buffer copy, per second / 1e9
  double copyMegabytes = 0.0;    ///< bytes read plus written in one copy / 1e6
  double fmaGflops = 0.0;        ///< 2 operations per float32 fused multiply-add, per second / 1e9
  double emptyDispatchUs = 0.0;  ///< one dispatch and its barrier, in a row of many
};

/// Takes about a second. Throws vulkan::Error.
DeviceProbe probeDevice(vulkan::Device& device);

}  // namespace headroom::engine
