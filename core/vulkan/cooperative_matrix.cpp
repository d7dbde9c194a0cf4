#include "core/vulkan/cooperative_matrix.h"

#include <algorithm>
#include <vector>

namespace headroom::vulkan {

namespace {

bool isUsed(const VkCooperativeMatrixPropertiesKHR& matrix) {
  return matrix.MSize == matrix.NSize && matrix.MSize == matrix.KSize &&
         (matrix.MSize == 8 || matrix.MSize == 16) && matrix.AType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
         matrix.BType == VK_COMPONENT_TYPE_FLOAT16_KHR && matrix.CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
         matrix.ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR && matrix.saturatingAccumulation == VK_FALSE &&
         matrix.scope == VK_SCOPE_SUBGROUP_KHR;
}

bool hasOneSubgroupSize(VkPhysicalDevice device) {
  VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT};
  VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = &sizes};
  vkGetPhysicalDeviceProperties2(device, &properties);
  return sizes.minSubgroupSize > 0 && sizes.minSubgroupSize == sizes.maxSubgroupSize;
}

}  // namespace

CooperativeMatrixFeatures::CooperativeMatrixFeatures(VkBool32 wanted) {
  m_fullSubgroups = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT,
                     .computeFullSubgroups = wanted};
  m_memoryModel = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES,
                   .pNext = &m_fullSubgroups,
                   .vulkanMemoryModel = wanted,
                   .vulkanMemoryModelDeviceScope = wanted};
  m_halves = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
              .pNext = &m_memoryModel,
              .shaderFloat16 = wanted};
  m_matrices = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
                .pNext = &m_halves,
                .cooperativeMatrix = wanted};
}

bool CooperativeMatrixFeatures::areAll() const {
  return m_fullSubgroups.computeFullSubgroups == VK_TRUE && m_memoryModel.vulkanMemoryModel == VK_TRUE &&
         m_memoryModel.vulkanMemoryModelDeviceScope == VK_TRUE && m_halves.shaderFloat16 == VK_TRUE &&
         m_matrices.cooperativeMatrix == VK_TRUE;
}

bool usesCooperativeMatrices(std::span<const std::uint32_t> words) {
  // Of the SPIR-V specification, sections 2.3, 3.31 and 3.49.1; capabilities come first.
  constexpr std::size_t kHeaderWords = 5;
  constexpr std::uint32_t kCapability = 2u << 16 | 17u;
  constexpr std::uint32_t kCooperativeMatrixKhr = 6022;
  for (std::size_t at = kHeaderWords; at + 1 < words.size() && words[at] == kCapability; at += 2) {
    if (words[at + 1] == kCooperativeMatrixKhr) return true;
  }
  return false;
}

std::uint32_t cooperativeMatrixSide(VkInstance instance, VkPhysicalDevice device) {
  const auto list = reinterpret_cast<PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR>(
      vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
  CooperativeMatrixFeatures found(VK_FALSE);
  VkPhysicalDeviceFeatures2 features{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                     .pNext = found.features()};
  vkGetPhysicalDeviceFeatures2(device, &features);
  if (list == nullptr || !found.areAll() || !hasOneSubgroupSize(device)) return 0;
  std::uint32_t count = 0;
  if (list(device, &count, nullptr) != VK_SUCCESS) return 0;
  std::vector<VkCooperativeMatrixPropertiesKHR> matrices(
      count, {.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR});
  if (list(device, &count, matrices.data()) != VK_SUCCESS) return 0;
  std::uint32_t side = 0;
  for (const VkCooperativeMatrixPropertiesKHR& matrix : matrices) {
    if (isUsed(matrix)) side = std::max(side, matrix.MSize);
  }
  return side;
}

}  // namespace headroom::vulkan
