#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <vulkan/vulkan.h>

// What headers before 1.3.255 do not declare; names and values of VK_KHR_cooperative_matrix, revision 2.
#ifndef VK_KHR_cooperative_matrix
#define VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME "VK_KHR_cooperative_matrix"

enum VkComponentTypeKHR {
  VK_COMPONENT_TYPE_FLOAT16_KHR = 0,
  VK_COMPONENT_TYPE_FLOAT32_KHR = 1,
  VK_COMPONENT_TYPE_MAX_ENUM_KHR = 0x7FFFFFFF
};
enum VkScopeKHR { VK_SCOPE_SUBGROUP_KHR = 3, VK_SCOPE_MAX_ENUM_KHR = 0x7FFFFFFF };

inline constexpr auto VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR =
    static_cast<VkStructureType>(1000506000);
inline constexpr auto VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR =
    static_cast<VkStructureType>(1000506001);

struct VkPhysicalDeviceCooperativeMatrixFeaturesKHR {
  VkStructureType sType;
  void* pNext;
  VkBool32 cooperativeMatrix;
  VkBool32 cooperativeMatrixRobustBufferAccess;
};
struct VkCooperativeMatrixPropertiesKHR {
  VkStructureType sType;
  void* pNext;
  std::uint32_t MSize, NSize, KSize;
  VkComponentTypeKHR AType, BType, CType, ResultType;
  VkBool32 saturatingAccumulation;
  VkScopeKHR scope;
};
using PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR =
    VkResult(VKAPI_PTR*)(VkPhysicalDevice, std::uint32_t*, VkCooperativeMatrixPropertiesKHR*);
#endif

namespace headroom::vulkan {

/// Rows, columns and depth of the square matrices of halves whose products the subgroups of a device add up
/// in floats; 0 where it has none, or where kernels cannot count on full subgroups of one size. Needs
/// CooperativeMatrixFeatures::kExtensions to be there.
std::uint32_t cooperativeMatrixSide(VkInstance instance, VkPhysicalDevice device);

/// Whether SPIR-V uses such matrices: all of its subgroups have to be full.
bool usesCooperativeMatrices(std::span<const std::uint32_t> words);

/// The features that kernels with cooperative matrices use, in a chain that begins at features().
class CooperativeMatrixFeatures {
 public:
  explicit CooperativeMatrixFeatures(VkBool32 wanted);
  CooperativeMatrixFeatures(const CooperativeMatrixFeatures&) = delete;
  CooperativeMatrixFeatures& operator=(const CooperativeMatrixFeatures&) = delete;

  /// What they belong to.
  static constexpr std::array kExtensions = {VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME,
                                             VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME};

  void* features() { return &m_matrices; }
  bool areAll() const;

 private:
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT m_fullSubgroups{};
  VkPhysicalDeviceVulkanMemoryModelFeatures m_memoryModel{};
  VkPhysicalDeviceShaderFloat16Int8Features m_halves{};
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR m_matrices{};
};

}  // namespace headroom::vulkan
