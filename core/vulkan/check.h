#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

#include <vulkan/vulkan.h>

namespace headroom::vulkan {

/// A Vulkan call failed. what() is a sentence a user can act on.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence, VkResult result = VK_ERROR_UNKNOWN)
      : std::runtime_error(sentence), m_result(result) {}
  VkResult result() const { return m_result; }

 private:
  VkResult m_result;
};

/// Throws Error unless `result` is VK_SUCCESS. `what` says what was tried: "allocate 12 MB of device memory".
void check(VkResult result, const std::string& what,
           std::source_location where = std::source_location::current());

}  // namespace headroom::vulkan
