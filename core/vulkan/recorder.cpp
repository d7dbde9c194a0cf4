#include "core/vulkan/recorder.h"

#include <cassert>

#include <fmt/format.h>

#include "core/vulkan/check.h"
#include "core/vulkan/time_stamps.h"

namespace headroom::vulkan {

Recorder::Recorder(Device& device, int maxDispatches, Workgroups workgroups, TimeStamps timeStamps, Runs runs)
    : m_device(&device), m_maxDispatches(maxDispatches), m_workgroups(workgroups), m_commands(device) {
  if (timeStamps == TimeStamps::BetweenDispatches && device.info().timestampPeriodNs > 0.0) {
    const VkQueryPoolCreateInfo info{.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                     .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                     .queryCount = static_cast<std::uint32_t>(maxDispatches) + 1};
    VkQueryPool pool;
    check(vkCreateQueryPool(device.get(), &info, nullptr, &pool), "create time stamps");
    m_timestamps = {device.get(), pool};
  }
  const bool repeats = runs == Runs::Repeated;
  const VkCommandBufferBeginInfo begin{
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = repeats ? VkCommandBufferUsageFlags{VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT} : 0};
  check(vkBeginCommandBuffer(m_commands.get(), &begin), "record a step");
  if (m_timestamps) {
    vkCmdResetQueryPool(m_commands.get(), m_timestamps.get(), 0,
                        static_cast<std::uint32_t>(maxDispatches) + 1);
  }
  if (repeats) {
    barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT);
  }
}

void Recorder::copyFirst(const Buffer& source, const Buffer& target) {
  assert(m_dispatchCount == 0);  // the submission itself makes the host's writes visible
  const VkBufferCopy all{.size = source.bytes()};
  vkCmdCopyBuffer(m_commands.get(), source.get(), target.get(), 1, &all);
  const VkMemoryBarrier copied{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_SHADER_READ_BIT};
  vkCmdPipelineBarrier(m_commands.get(), VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                       0, 1, &copied, 0, nullptr, 0, nullptr);
}

void Recorder::barrier(VkPipelineStageFlags targets, VkAccessFlags accesses) {
  const VkMemoryBarrier memory{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT,
                               .dstAccessMask = accesses};
  vkCmdPipelineBarrier(m_commands.get(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, targets, 0, 1, &memory, 0,
                       nullptr, 0, nullptr);
}

/// Stamps the moment when everything recorded so far is done. A software device finishes its work at the
/// barrier before the stamp, and waits a second time for any stage but the top of the pipe.
void Recorder::writeTimestamp() {
  if (!m_timestamps) return;
  const bool onCpu = m_device->info().isSoftware();
  vkCmdWriteTimestamp(m_commands.get(),
                      onCpu ? VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT : VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                      m_timestamps.get(), static_cast<std::uint32_t>(m_dispatchCount));
}

void Recorder::dispatch(const Kernel& kernel, const std::vector<Binding>& bindings, const GroupCount& groups,
                        std::span<const std::byte> push) {
  assert(m_dispatchCount < m_maxDispatches);
  if (bindings.size() != kernel.bindings().size()) {
    throw Error(fmt::format("Kernel {} has {} bindings, {} were given.", kernel.name(),
                            kernel.bindings().size(), bindings.size()));
  }
  if (push.size() != kernel.pushBytes()) {
    throw Error(fmt::format("Kernel {} takes {} bytes of push constants, {} were given.", kernel.name(),
                            kernel.pushBytes(), push.size()));
  }
  const VkPhysicalDeviceLimits& limits = m_device->info().limits;
  for (std::size_t axis = 0; axis < groups.size(); ++axis) {
    if (groups[axis] == 0 || groups[axis] > limits.maxComputeWorkGroupCount[axis]) {
      throw Error(fmt::format("Kernel {} needs {} workgroups on axis {}, the device runs 1 to {}.",
                              kernel.name(), groups[axis], axis, limits.maxComputeWorkGroupCount[axis]));
    }
  }

  std::vector<VkDescriptorPoolSize> sizes;
  for (VkDescriptorType type : kernel.bindings()) sizes.push_back({.type = type, .descriptorCount = 1});
  const VkDescriptorPoolCreateInfo poolInfo{.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .maxSets = 1,
                                            .poolSizeCount = static_cast<std::uint32_t>(sizes.size()),
                                            .pPoolSizes = sizes.data()};
  VkDescriptorPool pool;
  check(vkCreateDescriptorPool(m_device->get(), &poolInfo, nullptr, &pool), "create descriptors");
  m_pools.emplace_back(m_device->get(), pool);
  const VkDescriptorSetLayout setLayout = kernel.setLayout();
  const VkDescriptorSetAllocateInfo setInfo{.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                            .descriptorPool = pool,
                                            .descriptorSetCount = 1,
                                            .pSetLayouts = &setLayout};
  VkDescriptorSet set;
  check(vkAllocateDescriptorSets(m_device->get(), &setInfo, &set), "create descriptors");

  std::vector<VkDescriptorBufferInfo> buffers(bindings.size());
  std::vector<VkWriteDescriptorSet> writes;
  for (std::size_t index = 0; index < bindings.size(); ++index) {
    const Binding& binding = bindings[index];
    const bool wantsView = kernel.bindings()[index] == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    if (wantsView != (binding.view != VK_NULL_HANDLE)) {
      throw Error(fmt::format("Binding {} of kernel {} must {}be a texel view.", index, kernel.name(),
                              wantsView ? "" : "not "));
    }
    if (kernel.bindings()[index] == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER &&
        binding.bytes > limits.maxStorageBufferRange) {
      throw Error(fmt::format("Kernel {} needs a storage buffer of {} bytes, {} binds at most {}.",
                              kernel.name(), binding.bytes, m_device->info().name,
                              limits.maxStorageBufferRange));
    }
    buffers[index] = {.buffer = binding.buffer, .offset = binding.offset, .range = binding.bytes};
    writes.push_back({.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                      .dstSet = set,
                      .dstBinding = static_cast<std::uint32_t>(index),
                      .descriptorCount = 1,
                      .descriptorType = kernel.bindings()[index],
                      .pBufferInfo = wantsView ? nullptr : &buffers[index],
                      .pTexelBufferView = wantsView ? &binding.view : nullptr});
  }
  vkUpdateDescriptorSets(m_device->get(), static_cast<std::uint32_t>(writes.size()), writes.data(), 0,
                         nullptr);

  vkCmdBindPipeline(m_commands.get(), VK_PIPELINE_BIND_POINT_COMPUTE, kernel.pipeline());
  vkCmdBindDescriptorSets(m_commands.get(), VK_PIPELINE_BIND_POINT_COMPUTE, kernel.layout(), 0, 1, &set, 0,
                          nullptr);
  if (!push.empty()) {
    vkCmdPushConstants(m_commands.get(), kernel.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                       static_cast<std::uint32_t>(push.size()), push.data());
  }
  if (m_dispatchCount > 0) {
    // Each stage reads what the one before wrote, and writes what an earlier one read.
    barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
  }
  writeTimestamp();
  const GroupCount counts = m_workgroups == Workgroups::None ? GroupCount{0, 0, 0} : groups;
  vkCmdDispatch(m_commands.get(), counts[0], counts[1], counts[2]);
  ++m_dispatchCount;
}

void Recorder::finish() {
  barrier(VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  writeTimestamp();
  check(vkEndCommandBuffer(m_commands.get()), "record a step");
}

void Recorder::run() {
  m_device->run(m_commands.get());
}

void Recorder::runRepeatedly(const Recorder& first, int count) {
  std::vector<VkCommandBuffer> commands(static_cast<std::size_t>(count) + 1, m_commands.get());
  commands.front() = first.m_commands.get();
  m_device->run(commands);
}

std::vector<double> Recorder::dispatchTimesMs() const {
  std::vector<double> times(static_cast<std::size_t>(m_dispatchCount));
  if (!m_timestamps || m_dispatchCount == 0) return times;
  std::vector<std::uint64_t> stamps(times.size() + 1);
  check(
      vkGetQueryPoolResults(m_device->get(), m_timestamps.get(), 0, static_cast<std::uint32_t>(stamps.size()),
                            stamps.size() * sizeof(std::uint64_t), stamps.data(), sizeof(std::uint64_t),
                            VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
      "read the time stamps");
  for (std::size_t index = 0; index < times.size(); ++index) {
    const std::uint64_t ticks =
        ticksBetween(stamps[index], stamps[index + 1], m_device->info().timestampValidBits);
    times[index] = static_cast<double>(ticks) * m_device->info().timestampPeriodNs * 1e-6;
  }
  return times;
}

}  // namespace headroom::vulkan
