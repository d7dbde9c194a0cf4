#pragma once

#include <cstdint>

#include "core/engine/packed_matrix.h"
#include "core/model/decoder.h"
#include "core/vulkan/device.h"

namespace headroom::engine {

/// The sizes that a decoder's kernels, buffers and traffic all follow from; fixed when it is built.
struct StepShape {
  model::ModelConfig config;
  model::DecoderOptions options;  ///< contextLength filled in
  int blockTokens = 1;            ///< rows of a step at most: a prefill block, or the batch
  int chunkCount = 1;             ///< parts that attention splits the context into
  int minChunkKeys = 64;          ///< no part is shorter, so short contexts are not split

  /// Throws vulkan::Error when the engine has no kernel for this model, naming what does not fit.
  static StepShape plan(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                        const model::DecoderOptions& options);

  std::uint64_t streamColumns() const { return paddedColumns(static_cast<std::uint64_t>(config.modelDim)); }
  std::uint64_t hiddenColumns() const { return paddedColumns(static_cast<std::uint64_t>(config.ffnDim)); }
  /// Query heads that one attention workgroup serves.
  int headsPerWorkgroup() const {
    return options.attention == model::AttentionKernel::Shared ? config.attention.groupSize() : 1;
  }
  int attentionWorkgroups() const { return config.attention.queryHeadCount / headsPerWorkgroup(); }
  std::uint64_t captureBytesPerLayer() const;
  /// Bytes from one layer's captured scores to the next: captureBytesPerLayer() up to the offset alignment.
  std::uint64_t captureStride() const { return roundUp(captureBytesPerLayer(), kOffsetAlignment); }

  /// The largest alignment of buffer offsets that Vulkan lets a device ask for.
  static constexpr std::uint64_t kOffsetAlignment = 256;
};

}  // namespace headroom::engine
