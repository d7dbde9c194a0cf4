#pragma once

#include "core/model/error.h"
#include "core/vulkan/check.h"

namespace headroom::engine {

/// Runs `work`; a Vulkan error leaves as a model::Error, the one type that callers of decoders know.
template <typename Work>
auto translateErrors(const Work& work) {
  try {
    return work();
  } catch (const vulkan::Error& error) {
    if (error.result() == VK_ERROR_DEVICE_LOST) throw model::DeviceLost(error.what());
    if (error.result() == VK_ERROR_OUT_OF_DEVICE_MEMORY) throw model::OutOfMemory(error.what());
    throw model::Error(error.what());
  }
}

}  // namespace headroom::engine
