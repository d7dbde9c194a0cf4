#pragma once

#include <cstdint>

#include "core/engine/device_matrix.h"
#include "core/model/decoder.h"
#include "core/vulkan/device.h"

namespace headroom::engine {

/// The largest alignment of buffer offsets that Vulkan lets a device ask for.
inline constexpr std::uint64_t kOffsetAlignment = 256;
/// The kernels load so many elements of a head at once, and keep so many at most.
inline constexpr int kHeadDimStep = 4;
inline constexpr int kMostHeadDim = 256;

/// Where the captured scores of a step lie: [slot][row][stride], a slot for each captured layer and head.
/// Behind them lies what else is captured, [place][row][columns], see paddedCapture().
struct CaptureLayout {
  int slotCount = 0;
  int pooling = 1;            ///< keys per value: 1, or 8
  int stride = 0;             ///< floats per row
  std::uint64_t columns = 0;  ///< floats per row of everything that is captured besides scores
};

/// Throws vulkan::Error when the engine has no kernels for a model of that shape, naming what does not fit.
void requireKernels(const vulkan::DeviceInfo& device, const model::ModelConfig& config);
/// `wanted` with what it leaves open chosen for the kind of device. Throws vulkan::Error when the device
/// cannot run that family.
model::KernelPlan resolvePlan(const vulkan::DeviceInfo& device, const model::KernelPlan& wanted);

/// Captured rows besides scores begin at whole texels.
constexpr std::uint64_t paddedCapture(std::uint64_t floats) {
  return roundUp(floats, 4);
}

/// The sizes that a decoder's kernels, buffers and traffic all follow from; fixed when it is built.
struct StepShape {
  model::ModelConfig config;
  model::DecoderOptions options;     ///< contextLength filled in
  model::KernelPlan plan;            ///< options.kernels with nothing left open
  int subgroupSize = 8;              ///< as the device says; kernels are right with any other
  int headsPerWorkgroup = 1;         ///< query heads that one attention workgroup serves
  int attentionTile = 8;             ///< keys that a workgroup of the rows family holds at once
  int blockTokens = 1;               ///< rows of a step at most: a prefill block, or the batch
  int chunkCount = 1;                ///< parts that attention splits the context into
  int minChunkKeys = 64;             ///< no part is shorter, so short contexts are not split
  std::uint64_t captureFloats = 0;   ///< room for captured scores
  std::uint64_t captureExtents = 0;  ///< room for maximum and sum of their chunks

  /// Throws vulkan::Error when the engine has no kernel for this model with these options, naming what does
  /// not fit.
  static StepShape make(const vulkan::DeviceInfo& device, const model::ModelConfig& config,
                        const model::DecoderOptions& options);

  std::uint64_t streamColumns() const { return paddedColumns(static_cast<std::uint64_t>(config.modelDim)); }
  std::uint64_t hiddenColumns() const { return paddedColumns(static_cast<std::uint64_t>(config.ffnDim)); }
  std::uint64_t attendedColumns() const {
    return paddedColumns(static_cast<std::uint64_t>(config.attention.queryDim()));
  }
  bool rowsFamily() const { return plan.family == model::KernelFamily::Rows; }
  const model::Traits& traits() const { return config.traits; }
  int attentionWorkgroups() const { return config.attention.queryHeadCount / headsPerWorkgroup; }

  /// Floats of a row at `point` as kernels copy it: of softmax extents those of every chunk.
  std::uint64_t capturedColumns(model::CapturePoint point) const;
  /// Layout of the capture of rows that end at `positions`.
  CaptureLayout captureLayout(const model::Capture& capture, int positions) const;
  /// How many of `wanted` rows from `position` on one step can capture. Throws vulkan::Error when it is none.
  int captureRows(const model::Capture& capture, int position, int wanted) const;
};

}  // namespace headroom::engine
