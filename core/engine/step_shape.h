#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "core/engine/device_matrix.h"
#include "core/model/decoder.h"
#include "core/vulkan/device.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

/// The largest alignment of buffer offsets that Vulkan lets a device ask for.
inline constexpr std::uint64_t kOffsetAlignment = 256;
/// The kernels load so many elements of a head at once, and keep so many at most.
inline constexpr int kHeadDimStep = 4;
inline constexpr int kMostHeadDim = 256;

/// A count as Vulkan takes it.
inline std::uint32_t u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

/// Where the captured scores of a step lie: [slot][row][stride], a slot for each captured layer and head.
/// Behind them lies what else is captured, [place][row][columns], see paddedCapture().
struct CaptureLayout {
  int slotCount = 0;
  int pooling = 1;            ///< keys per value: 1, or 8
  int stride = 0;             ///< floats per row
  std::uint64_t columns = 0;  ///< floats per row of everything that is captured besides scores
};

/// How attention_decode_octets.comp divides its work, and what its specialization constants are.
struct OctetAttention {
  int heads = 0;   ///< query heads that a subgroup keeps in registers; 0: this kernel cannot take the model
  int lanes = 1;   ///< invocations that share a key
  int unroll = 8;  ///< keys that each of them takes at once
  int headSubgroups = 1;  ///< subgroups of a workgroup with the same keys and other heads
  int keySubgroups = 1;   ///< with the same heads and other keys
  int workgroupsPerKv = 1;

  int headsCeiled() const { return static_cast<int>(std::bit_ceil(static_cast<unsigned>(heads))); }
  int subgroups() const { return headSubgroups * keySubgroups; }
};

/// How attention_matrices.comp divides its work.
struct MatrixAttention {
  int rows = 0;   ///< of a workgroup, a token and a query head each; 0: this kernel does not take the model
  int keys = 32;  ///< that it multiplies at once
  int invocations = 128;
  int heads = 1;  ///< query heads whose rows it takes together
  int workgroupsPerKv = 1;
};

/// Where a projection's input comes from.
enum class ProjectionInput { BehindNorm, Plain };

/// Whether the kernels take heads of that size.
constexpr bool headDimFits(int headDim) {
  return headDim % kHeadDimStep == 0 && headDim <= kMostHeadDim;
}
/// What merging loads of each chunk for a texel of the result, where that is one invocation's: maximum and
/// sum twice, and its partial result.
inline constexpr std::uint64_t kMergedTexelBytes = (2 + 2 + 4) * sizeof(float);

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
  model::DecoderOptions options;  ///< contextLength filled in
  model::KernelPlan plan;         ///< options.kernels with nothing left open
  int subgroupSize = 8;           ///< as the device says; kernels are right with any other
  OctetAttention octets;          ///< of the rows family
  int matrixSide = 0;             ///< of cooperative matrices; 0: kernels use none
  MatrixAttention matrices;       ///< where they attend; with a plan for each token, or for query tiles
  MatrixAttention tiledMatrices;  ///< the one for query tiles
  int headsPerWorkgroup = 1;      ///< query heads that one attention workgroup serves, where it has no octets
  int attentionTile = 8;          ///< keys that such a workgroup of the rows family holds at once
  bool mergesLast = false;        ///< the last workgroup of attention merges chunks, see mergesInAttention()
  bool multipliesTiles = false;   ///< whether there are kernels for many tokens
  bool tilesQueries = false;      ///< attention goes by query tiles, see forQueryTiles()
  int blockTokens = 1;            ///< rows of a step at most: a prefill block, or the batch
  int chunkCount = 1;             ///< parts that attention splits the context into
  int minChunkKeys = 64;          ///< no part is shorter, so short contexts are not split
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
  /// Which kernels run the projections of a step of `rows` rows.
  TokenTile tileOf(int rows) const;
  /// How many texts of the same length side by side `rows` are, where attention takes them by tiles of
  /// queries; 0 where it takes each row by itself, for there are too few of a text or they do not lie so.
  int textsOf(std::span<const TokenParams> rows) const;
  /// The same for such steps: attention leaves one chunk, whatever the length.
  StepShape forQueryTiles() const;
  /// Query heads whose rows attention by query tiles takes together.
  int headsPerQueryTile() const {
    return options.attention == model::AttentionKernel::Shared ? config.attention.groupSize() : 1;
  }
  bool rowsFamily() const { return plan.family == model::KernelFamily::Rows; }
  const model::Traits& traits() const { return config.traits; }
  /// Whether attention by octets is what runs, for steps that do not go by query tiles.
  bool attendsByOctets() const { return octets.heads > 0 && !tilesQueries && !attendsByMatrices(); }
  bool attendsByMatrices() const { return matrices.rows > 0; }
  /// Rows whose attention, or whose logits, a step has room for where they do not go by query tiles.
  int singleRows() const { return std::min(blockTokens, HEADROOM_MAX_SINGLE_TOKENS); }
  /// Of one token and chunk.
  int attentionWorkgroups() const;
  int attentionInvocations() const;
  /// Of a projection and a tile of tokens.
  std::uint64_t projectionWorkgroups(const DeviceMatrix& matrix, TokenTile tile, ProjectionInput input) const;
  /// How often a projection loads each element of its input, for each token.
  std::uint64_t inputLoads(const DeviceMatrix& matrix, TokenTile tile, ProjectionInput input) const;
  /// How often a step loads each key of each KV head, added up over the KV heads.
  int keyLoads() const;
  /// The first key that a row of `length` keys sees in `layer`.
  std::uint64_t firstSeen(std::uint64_t length, int layer) const {
    return static_cast<std::uint64_t>(config.firstSeen(static_cast<std::int64_t>(length), layer));
  }
  /// Chunks that have partial results, of a row of `length` keys in `layer`; as chunks.glsl says.
  int usedChunks(std::uint64_t length, int layer) const;

  /// Floats of a row at `point` as kernels copy it: of softmax extents those of every chunk.
  std::uint64_t capturedColumns(model::CapturePoint point) const;
  /// Layout of the capture of rows that end at `positions`.
  CaptureLayout captureLayout(const model::Capture& capture, int positions) const;
  /// How many of `wanted` rows from `position` on one step can capture. Throws vulkan::Error when it is none.
  int captureRows(const model::Capture& capture, int position, int wanted) const;
};

}  // namespace headroom::engine
