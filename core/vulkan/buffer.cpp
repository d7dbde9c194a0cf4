#include "core/vulkan/buffer.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "core/vulkan/check.h"
#include "core/vulkan/command_buffer.h"
#include "core/vulkan/staging_ring.h"

namespace headroom::vulkan {

namespace {

constexpr std::uint64_t kDownloadBytes = 16ull << 20;

std::uint64_t texelBytes(VkFormat format) {
  switch (format) {
    case VK_FORMAT_R32G32B32A32_SFLOAT:
    case VK_FORMAT_R32G32B32A32_UINT:
      return 16;
    case VK_FORMAT_R16G16B16A16_SFLOAT:
    case VK_FORMAT_R32G32_SFLOAT:
      return 8;
    case VK_FORMAT_R8G8B8A8_SNORM:
      return 4;
    case VK_FORMAT_R16_SFLOAT:
      return 2;
    default:
      throw Error(fmt::format("Texels of format {} are not known, expected one that kernels read.",
                              static_cast<int>(format)));
  }
}

template <typename Record>
void runOnce(Device& device, const Record& record) {
  const CommandBuffer owner(device);
  const VkCommandBuffer commands = owner.get();
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                       .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  check(vkBeginCommandBuffer(commands, &begin), "record a copy");
  record(commands);
  check(vkEndCommandBuffer(commands), "record a copy");
  device.run(commands);
}

}  // namespace

Buffer::Buffer(Device& device, std::uint64_t bytes, MemoryPlace place, const std::string& what)
    : m_what(what), m_bytes(bytes) {
  const std::string trying = fmt::format("allocate {} bytes for {} on {}", bytes, what, device.info().name);
  const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                .size = bytes,
                                .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                         VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
                                         VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
                                         VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                .sharingMode = VK_SHARING_MODE_EXCLUSIVE};
  VkBuffer buffer;
  check(vkCreateBuffer(device.get(), &info, nullptr, &buffer), trying);
  m_buffer = {device.get(), buffer};

  VkMemoryRequirements requirements;
  vkGetBufferMemoryRequirements(device.get(), buffer, &requirements);
  m_allocatedBytes = requirements.size;
  const bool onHost = place == MemoryPlace::Host;
  const VkMemoryAllocateInfo allocate{
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = requirements.size,
      .memoryTypeIndex = device.memoryType(
          requirements.memoryTypeBits,
          onHost ? VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
                 : VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
          onHost ? VK_MEMORY_PROPERTY_HOST_CACHED_BIT : 0)};
  VkDeviceMemory memory;
  check(vkAllocateMemory(device.get(), &allocate, nullptr, &memory), trying);
  m_memory = {device.get(), memory};
  m_allocation = Allocation(device, bytes, m_allocatedBytes);
  check(vkBindBufferMemory(device.get(), buffer, memory, 0), trying);
  if (onHost) {
    check(vkMapMemory(device.get(), memory, 0, VK_WHOLE_SIZE, 0, &m_mapped), trying);
    std::memset(m_mapped, 0, bytes);
  } else {
    m_uploads = UploadGuard(device);
    device.stagingRing().zero(buffer, bytes);
  }
}

TexelView::TexelView(Device& device, const Buffer& buffer, VkFormat format, std::uint64_t offset,
                     std::uint64_t bytes) {
  const std::uint64_t texels = bytes / texelBytes(format);
  if (texels > device.info().limits.maxTexelBufferElements) {
    throw Error(fmt::format("Kernels on {} address {} texels at once, {} of {} are to be addressed.",
                            device.info().name, device.info().limits.maxTexelBufferElements, texels,
                            buffer.what()));
  }
  const VkBufferViewCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                    .buffer = buffer.get(),
                                    .format = format,
                                    .offset = offset,
                                    .range = bytes};
  VkBufferView view;
  check(vkCreateBufferView(device.get(), &info, nullptr, &view), "create a view of a buffer");
  m_view = {device.get(), view};
}

void upload(Device& device, const Buffer& target, std::uint64_t offset, std::span<const std::byte> data) {
  device.stagingRing().copy(target.get(), offset, data);
}

void download(Device& device, const Buffer& source, std::uint64_t offset, std::span<std::byte> data) {
  Buffer staging(device, std::min<std::uint64_t>(kDownloadBytes, data.size()), MemoryPlace::Host,
                 "downloads");
  for (std::uint64_t done = 0; done < data.size(); done += staging.bytes()) {
    const std::uint64_t bytes = std::min<std::uint64_t>(staging.bytes(), data.size() - done);
    runOnce(device, [&](VkCommandBuffer commands) {
      const VkBufferCopy copy{.srcOffset = offset + done, .dstOffset = 0, .size = bytes};
      vkCmdCopyBuffer(commands, source.get(), staging.get(), 1, &copy);
    });
    std::memcpy(data.data() + done, staging.mapped<std::byte>().data(), bytes);
  }
}

}  // namespace headroom::vulkan
