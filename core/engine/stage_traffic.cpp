#include "core/engine/stage_traffic.h"

#include <algorithm>

namespace headroom::engine {

namespace {

using model::Stage;
using model::Traffic;

constexpr std::uint64_t kFloat = sizeof(float);

/// Sizes of one step in the unsigned type that byte counts use.
struct Sizes {
  std::uint64_t rows;        // tokens of the step
  std::uint64_t loadedRows;  // rows that projections load: whole token tiles
  std::uint64_t tiles;       // token tiles, each of which loads the weights once
  std::uint64_t modelDim, ffnDim, queryHeads, kvHeads, headDim, queryDim, kvDim, kvBytes, chunks;

  Sizes(const StepShape& shape, std::uint64_t rowCount)
      : rows(rowCount),
        loadedRows(rowCount == 1 ? 1 : roundUp(rowCount, HEADROOM_TOKEN_TILE)),
        tiles(rowCount == 1 ? 1 : loadedRows / HEADROOM_TOKEN_TILE),
        modelDim(static_cast<std::uint64_t>(shape.config.modelDim)),
        ffnDim(static_cast<std::uint64_t>(shape.config.ffnDim)),
        queryHeads(static_cast<std::uint64_t>(shape.config.attention.queryHeadCount)),
        kvHeads(static_cast<std::uint64_t>(shape.config.attention.kvHeadCount)),
        headDim(static_cast<std::uint64_t>(shape.config.attention.headDim)),
        queryDim(queryHeads * headDim),
        kvDim(kvHeads * headDim),
        kvBytes(static_cast<std::uint64_t>(model::bytesPerElement(shape.options.kvType))),
        chunks(static_cast<std::uint64_t>(shape.chunkCount)) {}
};

/// The common part of all projections: weights once per token tile; x once per workgroup and row.
void addProjection(StageTraffic& traffic, const PackedMatrix& matrix, const Sizes& sizes,
                   std::uint64_t inputColumns) {
  traffic.issued.weightsRead += matrix.paddedBytes() * sizes.tiles;
  traffic.logical.weightsRead += matrix.logicalBytes();
  traffic.issued.activationsRead += matrix.workgroups() * sizes.loadedRows * matrix.columns4() * 4 * kFloat;
  traffic.logical.activationsRead += sizes.rows * inputColumns * kFloat;
}

/// Gains are loaded beside every x.
void addGain(StageTraffic& traffic, const GainVector& gain, const PackedMatrix& matrix, const Sizes& sizes) {
  traffic.issued.weightsRead += matrix.workgroups() * sizes.loadedRows * gain.paddedBytes();
  traffic.logical.weightsRead += gain.logicalBytes();
}

void addResidual(StageTraffic& traffic, const Sizes& sizes) {
  for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
    bytes->activationsRead += sizes.rows * sizes.modelDim * kFloat;
    bytes->activationsWritten += sizes.rows * sizes.modelDim * kFloat;
  }
}

StageTraffic qkvProjection(const DeviceLayer& layer, const StepShape& shape, const Sizes& sizes) {
  StageTraffic traffic;
  addProjection(traffic, layer.qkv, sizes, sizes.modelDim);
  addGain(traffic, layer.attentionNorm, layer.qkv, sizes);
  const std::uint64_t rotatedRows =
      (sizes.queryHeads + sizes.kvHeads) * static_cast<std::uint64_t>(shape.config.ropeDim);
  traffic.issued.weightsRead += sizes.loadedRows * rotatedRows * 2 * kFloat;  // cos and sin
  traffic.logical.weightsRead += sizes.rows * static_cast<std::uint64_t>(shape.config.ropeDim) * kFloat;
  for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
    bytes->activationsWritten += sizes.rows * sizes.queryDim * kFloat;
    bytes->kvWritten += sizes.rows * 2 * sizes.kvDim * sizes.kvBytes;
  }
  return traffic;
}

StageTraffic attentionDecode(const StepShape& shape, const Sizes& sizes, const StepRows& rows,
                             int capturedHeads) {
  StageTraffic traffic;
  const std::uint64_t lanesTexels =
      roundUp(sizes.headDim / 4, HEADROOM_LANES);  // lanes past head_dim load its end
  const auto workgroups = static_cast<std::uint64_t>(shape.attentionWorkgroups());
  for (const TokenParams& token : rows.tokens) {
    const std::uint64_t length = token.position + 1ull;
    traffic.issued.kvRead += workgroups * 2 * length * sizes.headDim * sizes.kvBytes;
    traffic.logical.kvRead += 2 * length * sizes.kvDim * sizes.kvBytes;
    if (token.sequence == 0) {
      const std::uint64_t captured = static_cast<std::uint64_t>(capturedHeads) * length * kFloat;
      traffic.issued.captureWritten += captured;
      traffic.logical.captureWritten += captured;
    }
  }
  traffic.issued.activationsRead += sizes.rows * sizes.chunks * sizes.queryHeads * lanesTexels * 4 * kFloat;
  traffic.logical.activationsRead += sizes.rows * sizes.queryDim * kFloat;
  const std::uint64_t partials = sizes.rows * sizes.chunks * sizes.queryHeads * (sizes.headDim + 2) * kFloat;
  traffic.issued.activationsWritten += partials;
  traffic.logical.activationsWritten += partials;
  return traffic;
}

StageTraffic attentionOutput(const DeviceLayer& layer, const Sizes& sizes) {
  StageTraffic traffic;
  const PackedMatrix& matrix = layer.attentionOutput;
  traffic.issued.weightsRead = matrix.paddedBytes() * sizes.tiles;
  traffic.logical.weightsRead = matrix.logicalBytes();
  // Per x texel: the chunks' maxima, then their maxima and sums again with the partial texels.
  traffic.issued.activationsRead =
      matrix.workgroups() * sizes.loadedRows * matrix.columns4() * sizes.chunks * (2 + 2 + 4) * kFloat;
  traffic.logical.activationsRead =
      sizes.rows * sizes.chunks * sizes.queryHeads * (sizes.headDim + 2) * kFloat;
  addResidual(traffic, sizes);
  return traffic;
}

}  // namespace

StageTraffic stageTraffic(Stage stage, int layerIndex, const StepShape& shape, const DeviceWeights& weights,
                          const StepRows& rows, int capturedHeads) {
  const Sizes sizes(shape, rows.tokens.size());
  StageTraffic traffic;
  const DeviceLayer* layer =
      layerIndex >= 0 ? &weights.layers[static_cast<std::size_t>(layerIndex)] : nullptr;
  switch (stage) {
    case Stage::Embedding: {
      const std::uint64_t elementBytes = weights.tokenEmbedding.elementBytes();
      traffic.issued.weightsRead = sizes.rows * shape.streamColumns() * elementBytes;
      traffic.logical.weightsRead = sizes.rows * sizes.modelDim * elementBytes;
      traffic.issued.activationsWritten = sizes.rows * shape.streamColumns() * kFloat;
      traffic.logical.activationsWritten = sizes.rows * sizes.modelDim * kFloat;
      return traffic;
    }
    case Stage::QkvProjection:
      return qkvProjection(*layer, shape, sizes);
    case Stage::AttentionDecode:
      return attentionDecode(shape, sizes, rows, capturedHeads);
    case Stage::AttentionOutput:
      return attentionOutput(*layer, sizes);
    case Stage::FfnGateUp:
      addProjection(traffic, layer->gateUp, sizes, sizes.modelDim);
      // Rows that only fill gate or up to a multiple of 8 are padding, not weights.
      traffic.logical.weightsRead = 2 * sizes.ffnDim * sizes.modelDim * layer->gateUp.elementBytes();
      addGain(traffic, layer->ffnNorm, layer->gateUp, sizes);
      for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
        bytes->activationsWritten += sizes.rows * sizes.ffnDim * kFloat;
      }
      return traffic;
    case Stage::FfnDown:
      addProjection(traffic, layer->ffnDown, sizes, sizes.ffnDim);
      addResidual(traffic, sizes);
      return traffic;
    case Stage::Logits: {
      const Sizes wanted(shape, static_cast<std::uint64_t>(rows.logitsRows));
      addProjection(traffic, weights.outputMatrix(), wanted, sizes.modelDim);
      addGain(traffic, weights.outputNorm, weights.outputMatrix(), wanted);
      for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
        bytes->activationsWritten +=
            wanted.rows * static_cast<std::uint64_t>(shape.config.vocabSize) * kFloat;
      }
      return traffic;
    }
  }
  return traffic;
}

}  // namespace headroom::engine
