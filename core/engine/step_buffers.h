#pragma once

#include <vector>

#include "core/engine/step_shape.h"
#include "core/vulkan/buffer.h"
#include "core/vulkan/recorder.h"

namespace headroom::engine {

/// Everything that a step works on besides the weights and the KV cache, for at most StepShape::blockTokens
/// rows, of which StepShape::singleRows() attend by themselves or have logits.
struct StepBuffers {
  StepBuffers(vulkan::Device& device, const StepShape& shape);

  vulkan::Buffer params;  ///< StepParams, on the host
  vulkan::Buffer
      deviceParams;       ///< the same where kernels read them, in the rows family: not over a GPU's bus
  vulkan::Buffer stream;  ///< [row][streamColumns] residual stream
  vulkan::Buffer
      projected;           ///< [row][queryHeads + 2 kvHeads][headDim] before head norms, where there are any
  vulkan::Buffer branch;   ///< [row][streamColumns] what is added behind a norm, where there is one
  vulkan::Buffer query;    ///< [row][queryHead][headDim] after RoPE
  vulkan::Buffer partial;  ///< [row][chunk][queryHead][headDim]
  vulkan::Buffer extent;   ///< [row][chunk][queryHead] max and sum of the online softmax
  vulkan::Buffer hidden;   ///< [row][hiddenColumns]
  vulkan::Buffer logits;   ///< [wanted row][vocabSize], on the host
  vulkan::Buffer summarisedLogits;  ///< [wanted row][vocabSize] that only kernels read
  vulkan::Buffer summaries;         ///< [wanted row][HEADROOM_SUMMARY_WORDS], on the host
  vulkan::Buffer ahead;  ///< a count, then token and mark of each step that the host did not wait for, on it
  vulkan::Buffer attended;        ///< [row][attendedColumns], in the rows family
  vulkan::Buffer arrivals;        ///< [row][workgroup] counters between 0 and 0, where attention merges
  vulkan::Buffer captured;        ///< scores before softmax, by CaptureLayout, on the host
  vulkan::Buffer capturedExtent;  ///< [slot][row][chunk] max and sum of the online softmax, on the host
  vulkan::Buffer rope;  ///< [position][ropeDim / 2] cos, sin, times the magnitude, of the whole context

  vulkan::TexelView streamView, projectedView, queryView, partialView, extentView, hiddenView, attendedView,
      ropeView;

  const vulkan::Buffer& kernelParams() const { return deviceParams.bytes() > 0 ? deviceParams : params; }
  /// Brings the parameters to where kernels read them; before any dispatch is recorded.
  void recordParams(vulkan::Recorder& recorder) const;

  /// One of the buffers above: what is announced, and what the constructor allocates.
  struct Planned {
    vulkan::Buffer StepBuffers::*buffer;
    std::uint64_t bytes;
    vulkan::MemoryPlace place;
    const char* what;                                 ///< for sentences
    vulkan::TexelView StepBuffers::*view = nullptr;   ///< of all of it, where kernels read it as texels
    VkFormat format = VK_FORMAT_R32G32B32A32_SFLOAT;  ///< of the view
  };
  /// All buffers of a decoder of `shape`.
  static std::vector<Planned> plan(const StepShape& shape);
};

}  // namespace headroom::engine
