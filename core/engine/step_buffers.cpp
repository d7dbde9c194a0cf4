#include "core/engine/step_buffers.h"

#include <algorithm>
#include <cmath>

#include "core/model/rope.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

/// Two floats for each pair of elements that RoPE turns; at least one pair, for kernels that bind it and
/// never read it.
std::uint64_t ropeFloats(const StepShape& shape) {
  return std::max<std::uint64_t>(2, static_cast<std::uint64_t>(shape.options.contextLength) *
                                        static_cast<std::uint64_t>(shape.config.ropeDim / 2) * 2);
}

std::vector<float> ropeAngles(const StepShape& shape) {
  const model::RopeTable rope(shape.config, shape.options.contextLength);
  std::vector<float> angles;
  angles.reserve(ropeFloats(shape));
  for (int position = 0; position < shape.options.contextLength; ++position) {
    for (double frequency : rope.frequencies) {
      angles.push_back(static_cast<float>(rope.magnitude * std::cos(position * frequency)));
      angles.push_back(static_cast<float>(rope.magnitude * std::sin(position * frequency)));
    }
  }
  angles.resize(ropeFloats(shape));
  return angles;
}

}  // namespace

std::vector<StepBuffers::Planned> StepBuffers::plan(const StepShape& shape) {
  using enum vulkan::MemoryPlace;
  using Buffers = StepBuffers;
  const auto rows = static_cast<std::uint64_t>(shape.blockTokens);
  const auto singleRows = static_cast<std::uint64_t>(shape.singleRows());
  // Rows that go by query tiles have a chunk each.
  const std::uint64_t rowChunks = std::max(rows, singleRows * static_cast<std::uint64_t>(shape.chunkCount));
  const auto queryHeads = static_cast<std::uint64_t>(shape.config.attention.queryHeadCount);
  const auto queryDim = static_cast<std::uint64_t>(shape.config.attention.queryDim());
  const auto kvDim = static_cast<std::uint64_t>(shape.config.attention.kvDim());
  const auto vocabSize = static_cast<std::uint64_t>(shape.config.vocabSize);
  const auto floats = [](std::uint64_t count) { return count * sizeof(float); };
  constexpr VkFormat kPairs = VK_FORMAT_R32G32_SFLOAT;

  std::vector<Planned> planned{
      {&Buffers::params, sizeof(StepParams), Host, "step parameters"},
      {&Buffers::stream, floats(rows * shape.streamColumns()), Device, "the residual stream",
       &Buffers::streamView},
      {&Buffers::query, floats(rows * queryDim), Device, "queries", &Buffers::queryView},
      {&Buffers::partial, floats(rowChunks * queryDim), Device, "partial attention", &Buffers::partialView},
      {&Buffers::extent, floats(rowChunks * queryHeads * 2), Device, "softmax extents", &Buffers::extentView,
       kPairs},
      {&Buffers::hidden, floats(rows * shape.hiddenColumns()), Device, "the hidden layer",
       &Buffers::hiddenView},
      {&Buffers::logits, floats(singleRows * vocabSize), Host, "logits"},
      {&Buffers::summarisedLogits, floats(singleRows * vocabSize), Device, "logits to be summarised"},
      {&Buffers::summaries, singleRows * HEADROOM_SUMMARY_WORDS * sizeof(std::uint32_t), Host,
       "summaries of logits"},
      {&Buffers::captured, floats(shape.captureFloats), Host, "captured attention"},
      {&Buffers::capturedExtent, floats(2 * shape.captureExtents), Host, "captured softmax extents"},
      {&Buffers::rope, floats(ropeFloats(shape)), Device, "RoPE angles", &Buffers::ropeView, kPairs}};
  if (shape.rowsFamily()) {
    planned.push_back({&Buffers::deviceParams, sizeof(StepParams), Device, "a step's parameters"});
    planned.push_back({&Buffers::ahead, (1 + 2 * model::kMostAhead) * sizeof(std::uint32_t), Host,
                       "tokens of steps ahead"});
    planned.push_back({&Buffers::attended, floats(rows * shape.attendedColumns()), Device, "merged attention",
                       &Buffers::attendedView});
  }
  if (shape.attendsByOctets()) {
    planned.push_back(
        {&Buffers::arrivals,
         singleRows * static_cast<std::uint64_t>(shape.attentionWorkgroups()) * sizeof(std::uint32_t), Device,
         "counters of workgroups"});
  }
  if (shape.traits().headNorms) {
    planned.push_back({&Buffers::projected, floats(rows * (queryDim + 2 * kvDim)), Device,
                       "heads before their norms", &Buffers::projectedView, kPairs});
  }
  if (shape.traits().branchNorms) {
    planned.push_back(
        {&Buffers::branch, floats(rows * shape.streamColumns()), Device, "a branch before its norm"});
  }
  return planned;
}

StepBuffers::StepBuffers(vulkan::Device& device, const StepShape& shape) {
  for (const Planned& planned : plan(shape)) {
    vulkan::Buffer& buffer = this->*planned.buffer;
    buffer = vulkan::Buffer(device, planned.bytes, planned.place, planned.what);
    if (planned.view == nullptr) continue;
    this->*planned.view = vulkan::TexelView(device, buffer, planned.format, 0, buffer.bytes());
  }
  if (arrivals.bytes() > 0) {
    const std::vector<std::byte> zeros(arrivals.bytes());
    vulkan::upload(device, arrivals, 0, zeros);
  }
  const std::vector<float> angles = ropeAngles(shape);
  vulkan::upload(device, rope, 0, std::as_bytes(std::span(angles)));
}

void StepBuffers::recordParams(vulkan::Recorder& recorder) const {
  if (deviceParams.bytes() > 0) recorder.copyFirst(params, deviceParams);
}

}  // namespace headroom::engine
