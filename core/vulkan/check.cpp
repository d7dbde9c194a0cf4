#include "core/vulkan/check.h"

#include <string_view>

#include <fmt/format.h>

namespace headroom::vulkan {

namespace {
std::string_view reason(VkResult result) {
  switch (result) {
    case VK_ERROR_DEVICE_LOST:
      return "the device was lost, because its driver stopped or reset it";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "the device is out of memory; choose a shorter context, an f16 cache or a smaller model";
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "this computer is out of memory; close other programs or choose a smaller model";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "the Vulkan driver failed to start; check the driver's installation";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "no Vulkan driver was found; install one (Debian: mesa-vulkan-drivers has a software device)";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "the device lacks a feature that is needed";
    case VK_ERROR_LAYER_NOT_PRESENT:
      return "the validation layer is not installed (Debian: vulkan-validationlayers)";
    default:
      return "the Vulkan driver refused";
  }
}
}  // namespace

void check(VkResult result, const std::string& what, std::source_location where) {
  if (result == VK_SUCCESS) return;
  const std::string_view file = where.file_name();
  throw Error(fmt::format("Could not {}: {} (VkResult {}, {}:{}).", what, reason(result),
                          static_cast<int>(result), file.substr(file.rfind('/') + 1), where.line()),
              result);
}

}  // namespace headroom::vulkan
