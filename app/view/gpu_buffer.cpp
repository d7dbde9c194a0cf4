#include "app/view/gpu_buffer.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace headroom::view {

namespace {

std::uint32_t hostMemoryType(VkPhysicalDevice physicalDevice, std::uint32_t allowed) {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(physicalDevice, &memory);
  constexpr VkMemoryPropertyFlags kHost =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  // Memory of the device itself first where the host reaches it: the maps are read in every frame.
  for (const VkMemoryPropertyFlags wanted : {kHost | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, kHost}) {
    for (std::uint32_t type = 0; type < memory.memoryTypeCount; ++type) {
      if ((allowed >> type & 1u) && (memory.memoryTypes[type].propertyFlags & wanted) == wanted) return type;
    }
  }
  throw std::runtime_error("The graphics device has no memory that the program can write to.");
}

}  // namespace

void checkVk(VkResult result, const char* what) {
  if (result < VK_SUCCESS) {
    throw std::runtime_error(std::string(what) + " failed with Vulkan error " + std::to_string(result) + ".");
  }
}

GpuBuffer::GpuBuffer(VkDevice device, VkDeviceSize bytes) : m_device(device), m_bytes(bytes) {}

GpuBuffer::GpuBuffer(const GpuContext& gpu, VkDeviceSize bytes, VkBufferUsageFlags usage)
    : GpuBuffer(gpu.device, bytes) {
  const VkBufferCreateInfo bufferInfo{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                      .pNext = nullptr,
                                      .flags = 0,
                                      .size = bytes,
                                      .usage = usage,
                                      .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
                                      .queueFamilyIndexCount = 0,
                                      .pQueueFamilyIndices = nullptr};
  checkVk(vkCreateBuffer(m_device, &bufferInfo, nullptr, &m_buffer), "Creating a buffer for the view");
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(m_device, m_buffer, &needs);
  const VkMemoryAllocateInfo memoryInfo{
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = nullptr,
      .allocationSize = needs.size,
      .memoryTypeIndex = hostMemoryType(gpu.physicalDevice, needs.memoryTypeBits)};
  checkVk(vkAllocateMemory(m_device, &memoryInfo, nullptr, &m_memory), "Allocating memory for the view");
  checkVk(vkBindBufferMemory(m_device, m_buffer, m_memory, 0), "Binding memory for the view");
  void* data = nullptr;
  checkVk(vkMapMemory(m_device, m_memory, 0, VK_WHOLE_SIZE, 0, &data), "Mapping memory for the view");
  m_data = static_cast<std::byte*>(data);
}

GpuBuffer::GpuBuffer(GpuBuffer&& other) noexcept {
  *this = std::move(other);
}

GpuBuffer& GpuBuffer::operator=(GpuBuffer&& other) noexcept {
  std::swap(m_device, other.m_device);
  std::swap(m_buffer, other.m_buffer);
  std::swap(m_memory, other.m_memory);
  std::swap(m_bytes, other.m_bytes);
  std::swap(m_data, other.m_data);
  return *this;
}

GpuBuffer::~GpuBuffer() {
  if (!m_device) return;
  vkDestroyBuffer(m_device, m_buffer, nullptr);
  vkFreeMemory(m_device, m_memory, nullptr);
}

TexelBuffer::TexelBuffer(const GpuContext& gpu, VkDeviceSize bytes, VkFormat format)
    : m_device(gpu.device), m_buffer(gpu, bytes, VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT) {
  const VkBufferViewCreateInfo viewInfo{.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                        .pNext = nullptr,
                                        .flags = 0,
                                        .buffer = m_buffer.handle(),
                                        .format = format,
                                        .offset = 0,
                                        .range = VK_WHOLE_SIZE};
  checkVk(vkCreateBufferView(m_device, &viewInfo, nullptr, &m_view), "Creating a texel view");
}

TexelBuffer::TexelBuffer(TexelBuffer&& other) noexcept {
  *this = std::move(other);
}

TexelBuffer& TexelBuffer::operator=(TexelBuffer&& other) noexcept {
  std::swap(m_device, other.m_device);
  std::swap(m_buffer, other.m_buffer);
  std::swap(m_view, other.m_view);
  return *this;
}

TexelBuffer::~TexelBuffer() {
  if (m_view) vkDestroyBufferView(m_device, m_view, nullptr);
}

}  // namespace headroom::view
