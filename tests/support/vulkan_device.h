#pragma once

#include <string>
#include <vector>

#include "core/vulkan/device.h"
#include "core/vulkan/instance.h"
#include "tests/support/loaded_driver.h"

namespace headroom::tests {

/// A Vulkan device with the validation layer on.
struct VulkanDevice {
  explicit VulkanDevice(const std::string& cacheFolder = {})
      : device(instance, vulkan::chooseDevice(instance, ""), cacheFolder) {}

  vulkan::Instance instance{vulkan::Validation::On};
  vulkan::Device device;

  std::string firstValidationError() const {
    const std::vector<std::string> errors = instance.validationErrors();
    return errors.empty() ? std::string() : errors.front();
  }
};

}  // namespace headroom::tests
