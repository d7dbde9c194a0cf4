#include "core/engine/step_buffers.h"

#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {
vulkan::Buffer floats(vulkan::Device& device, std::uint64_t count, vulkan::MemoryPlace place,
                      const char* what) {
  return vulkan::Buffer(device, count * sizeof(float), place, what);
}

vulkan::TexelView texels(vulkan::Device& device, const vulkan::Buffer& buffer, VkFormat format) {
  return vulkan::TexelView(device, buffer, format, 0, buffer.bytes());
}
}  // namespace

StepBuffers::StepBuffers(vulkan::Device& device, const StepShape& shape) {
  using vulkan::MemoryPlace;
  const auto rows = static_cast<std::uint64_t>(shape.blockTokens);
  const auto chunks = static_cast<std::uint64_t>(shape.chunkCount);
  const auto queryHeads = static_cast<std::uint64_t>(shape.config.attention.queryHeadCount);
  const auto queryDim = static_cast<std::uint64_t>(shape.config.attention.queryDim());
  params = vulkan::Buffer(device, sizeof(StepParams), MemoryPlace::Host, "step parameters");
  stream = floats(device, rows * shape.streamColumns(), MemoryPlace::Device, "the residual stream");
  query = floats(device, rows * queryDim, MemoryPlace::Device, "queries");
  partial = floats(device, rows * chunks * queryDim, MemoryPlace::Device, "partial attention");
  extent = floats(device, rows * chunks * queryHeads * 2, MemoryPlace::Device, "softmax extents");
  hidden = floats(device, rows * shape.hiddenColumns(), MemoryPlace::Device, "the hidden layer");
  logits =
      floats(device, rows * static_cast<std::uint64_t>(shape.config.vocabSize), MemoryPlace::Host, "logits");
  captured = floats(device, shape.captureFloats, MemoryPlace::Host, "captured attention");
  capturedExtent = floats(device, 2 * shape.captureExtents, MemoryPlace::Host, "captured softmax extents");
  attended = floats(device, rows * shape.attendedColumns(), MemoryPlace::Device, "merged attention");
  if (shape.config.traits.headNorms) {
    const auto kvDim = static_cast<std::uint64_t>(shape.config.attention.kvDim());
    projected =
        floats(device, rows * (queryDim + 2 * kvDim), MemoryPlace::Device, "heads before their norms");
    projectedView = texels(device, projected, VK_FORMAT_R32G32_SFLOAT);
  }
  if (shape.config.traits.branchNorms) {
    branch = floats(device, rows * shape.streamColumns(), MemoryPlace::Device, "a branch before its norm");
  }
  streamView = texels(device, stream, VK_FORMAT_R32G32B32A32_SFLOAT);
  queryView = texels(device, query, VK_FORMAT_R32G32B32A32_SFLOAT);
  partialView = texels(device, partial, VK_FORMAT_R32G32B32A32_SFLOAT);
  extentView = texels(device, extent, VK_FORMAT_R32G32_SFLOAT);
  hiddenView = texels(device, hidden, VK_FORMAT_R32G32B32A32_SFLOAT);
  attendedView = texels(device, attended, VK_FORMAT_R32G32B32A32_SFLOAT);
}

}  // namespace headroom::engine
