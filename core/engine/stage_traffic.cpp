#include "core/engine/stage_traffic.h"

#include <algorithm>
#include <map>

#include "core/engine/intervention_table.h"
#include "core/engine/stage_captures.h"

namespace headroom::engine {

namespace {

using model::Stage;
using model::Traffic;

constexpr std::uint64_t kFloat = sizeof(float);
constexpr std::uint64_t kCounter = sizeof(std::uint32_t);

/// Sizes of one step in the unsigned type that byte counts use.
struct Sizes {
  std::uint64_t rows;        // tokens of the step
  std::uint64_t loadedRows;  // rows that projections load: whole token tiles
  TokenTile tile;            // of the kernels of the step
  std::uint64_t tiles;       // token tiles, each of which loads the weights once
  std::uint64_t modelDim, ffnDim, queryHeads, kvHeads, headDim, queryDim, kvDim, kvBytes, chunks;

  Sizes(const StepShape& shape, std::uint64_t rowCount)
      : Sizes(shape, rowCount, shape.tileOf(static_cast<int>(rowCount))) {}
  /// By kernels whose tiles, of so many tokens, are computed whole.
  Sizes(const StepShape& shape, std::uint64_t rowCount, TokenTile kernels)
      : rows(rowCount),
        loadedRows(roundUp(rowCount, static_cast<std::uint64_t>(tokensOf(kernels)))),
        tile(kernels),
        tiles(loadedRows / static_cast<std::uint64_t>(tokensOf(kernels))),
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

/// The common part of all projections: weights once per token tile; x as often as its kernel does.
void addProjection(StageTraffic& traffic, const DeviceMatrix& matrix, const StepShape& shape,
                   const Sizes& sizes, ProjectionInput input, std::uint64_t inputColumns) {
  traffic.issued.weightsRead += matrix.issuedBytes(sizes.tile) * sizes.tiles;
  traffic.logical.weightsRead += matrix.logicalBytes();
  traffic.issued.activationsRead +=
      shape.inputLoads(matrix, sizes.tile, input) * sizes.loadedRows * matrix.columns4() * 4 * kFloat;
  traffic.logical.activationsRead += sizes.rows * inputColumns * kFloat;
}

/// Gains are loaded beside every x.
void addGain(StageTraffic& traffic, const GainVector& gain, const DeviceMatrix& matrix,
             const StepShape& shape, const Sizes& sizes) {
  traffic.issued.weightsRead += shape.inputLoads(matrix, sizes.tile, ProjectionInput::BehindNorm) *
                                sizes.loadedRows * gain.paddedBytes();
  traffic.logical.weightsRead += gain.logicalBytes();
}

/// The terms of `matrixRows` rows, for each token that gets a result.
void addTerms(StageTraffic& traffic, const RowTerms& terms, std::uint64_t tokens, std::uint64_t matrixRows) {
  if (!terms.present()) return;
  traffic.issued.weightsRead += tokens * RowTerms::bytesOf(matrixRows);
  traffic.logical.weightsRead += RowTerms::bytesOf(matrixRows);
}

/// What a projection adds to the stream; behind a norm it is stored first and read twice.
void addResidual(StageTraffic& traffic, const StepShape& shape, const Sizes& sizes) {
  const std::uint64_t streamBytes = sizes.rows * sizes.modelDim * kFloat;
  for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
    bytes->activationsRead += streamBytes;
    bytes->activationsWritten += streamBytes;
  }
  if (!shape.traits().branchNorms) return;
  traffic.issued.activationsRead += 2 * streamBytes;
  traffic.logical.activationsRead += streamBytes;
  for (Traffic* bytes : {&traffic.issued, &traffic.logical}) bytes->activationsWritten += streamBytes;
  traffic.issued.weightsRead += streamBytes;
  traffic.logical.weightsRead += sizes.modelDim * kFloat;
}

/// Bytes that are loaded for one texel of four weights: in the rows family 16 at once, or a run of blocks.
std::uint64_t embeddingTexelBytes(const DeviceMatrix& matrix, bool rowsFamily) {
  const std::uint64_t run = runBytes(matrix.storage());
  if (rowsFamily) return run > 0 ? run : 16;
  return run > 0 ? 4 + 2 : matrix.bytesOf(4);
}

StageTraffic embedding(const DeviceMatrix& matrix, const StepShape& shape, const Sizes& sizes) {
  StageTraffic traffic;
  const std::uint64_t texels = shape.streamColumns() / 4;
  traffic.issued.weightsRead = sizes.rows * texels * embeddingTexelBytes(matrix, shape.rowsFamily());
  traffic.logical.weightsRead = sizes.rows * matrix.bytesOf(sizes.modelDim);
  if (shape.traits().positions == model::Positions::Learned) {
    traffic.issued.weightsRead += sizes.rows * shape.streamColumns() * kFloat;
    traffic.logical.weightsRead += sizes.rows * sizes.modelDim * kFloat;
  }
  traffic.issued.activationsWritten = sizes.rows * shape.streamColumns() * kFloat;
  traffic.logical.activationsWritten = sizes.rows * sizes.modelDim * kFloat;
  return traffic;
}

StageTraffic qkvProjection(const DeviceLayer& layer, const StepShape& shape, const Sizes& sizes) {
  StageTraffic traffic;
  const std::uint64_t matrixRows = sizes.queryDim + 2 * sizes.kvDim;
  for (const DeviceProjection& part : layer.qkv) {
    addProjection(traffic, part.matrix, shape, sizes, ProjectionInput::BehindNorm, sizes.modelDim);
    addGain(traffic, layer.attentionNorm, part.matrix, shape, sizes);
    const auto partRows = static_cast<std::uint64_t>(part.matrix.rows());
    addTerms(traffic, part.terms, sizes.rows, partRows);
    // In the rows family each row's result is also computed for its pair; matrices have both at hand.
    if (shape.rowsFamily() && sizes.tile != TokenTile::ManyByMatrices && part.terms.present()) {
      traffic.issued.weightsRead += sizes.rows * RowTerms::bytesOf(partRows);
    }
  }
  // x and the gain are the same for all parts.
  const std::uint64_t partsMore = layer.qkv.size() - 1;
  traffic.logical.activationsRead -= partsMore * sizes.rows * sizes.modelDim * kFloat;
  traffic.logical.weightsRead -= partsMore * layer.attentionNorm.logicalBytes();
  const std::uint64_t heads = sizes.queryHeads + sizes.kvHeads;
  const auto ropeDim = static_cast<std::uint64_t>(shape.config.ropeDim);
  // cos and sin, for each rotated row, or for each pair where the whole head is at hand.
  const bool headNorms = shape.traits().headNorms;
  const std::uint64_t turns = heads * (headNorms ? ropeDim / 2 : ropeDim / 2 * 2);
  traffic.issued.weightsRead += sizes.rows * turns * 2 * kFloat;
  traffic.logical.weightsRead += sizes.rows * (ropeDim / 2 * 2) * kFloat;
  for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
    bytes->activationsWritten += sizes.rows * sizes.queryDim * kFloat;
    bytes->kvWritten += sizes.rows * 2 * sizes.kvDim * sizes.kvBytes;
    if (!headNorms) continue;
    bytes->activationsWritten += sizes.rows * matrixRows * kFloat;
    bytes->activationsRead += sizes.rows * matrixRows * kFloat;
  }
  if (headNorms) {
    traffic.issued.weightsRead += sizes.rows * heads * sizes.headDim * kFloat;
    traffic.logical.weightsRead += 2 * sizes.headDim * kFloat;
  }
  return traffic;
}

/// Query texels that the workgroups of a chunk load.
std::uint64_t queryTexels(const StepShape& shape, const Sizes& sizes) {
  // In the packed family lanes past head_dim load its end.
  if (!shape.rowsFamily()) return sizes.queryHeads * roundUp(sizes.headDim / 4, HEADROOM_LANES);
  std::uint64_t copies = 1;
  if (shape.attendsByOctets()) {
    // Every subgroup with those heads, and in it the lanes of every key abreast.
    copies =
        static_cast<std::uint64_t>(shape.octets.keySubgroups * (shape.subgroupSize / shape.octets.lanes));
  }
  return copies * sizes.queryHeads * sizes.headDim / 4;
}

/// Keys that rows of one sequence see.
struct SeenKeys {
  std::uint64_t first = 0;
  std::uint64_t end = 0;

  std::uint64_t count() const { return end - first; }
};

/// Of each sequence that `rows` has, what any of its rows sees.
std::map<std::uint32_t, SeenKeys> seenKeys(const StepShape& shape, std::span<const TokenParams> rows,
                                           int layer) {
  std::map<std::uint32_t, SeenKeys> seen;
  for (const TokenParams& row : rows) {
    const std::uint64_t end = row.position + 1ull;
    const std::uint64_t first = shape.firstSeen(end, layer);
    const auto [at, isNew] = seen.try_emplace(row.sequence, SeenKeys{first, end});
    at->second = {std::min(at->second.first, first), std::max(at->second.end, end)};
  }
  return seen;
}

/// What attention by query tiles loads: of each tile, its queries, without matrices with every block of the
/// keys that they see.
void addQueryTiles(StageTraffic& traffic, const StepShape& shape, const Sizes& sizes, const StepRows& rows,
                   int layer) {
  const auto heads = static_cast<std::uint64_t>(shape.headsPerQueryTile());
  const auto texts = static_cast<std::uint64_t>(rows.form.texts);
  const std::uint64_t rowCount = sizes.rows / texts * heads;
  for (std::uint64_t text = 0; text < texts; ++text) {
    for (std::uint64_t first = 0; first < rowCount; first += HEADROOM_QUERY_TILE) {
      const std::uint64_t count = std::min<std::uint64_t>(HEADROOM_QUERY_TILE, rowCount - first);
      const auto lengthAt = [&](std::uint64_t row) {
        return rows.tokens[row / heads * texts + text].position + 1ull;
      };
      const SeenKeys seen{shape.firstSeen(lengthAt(first), layer), lengthAt(first + count - 1)};
      const std::uint64_t blocks =
          shape.attendsByMatrices()
              ? 1
              : roundUp(seen.end - seen.first / 8 * 8, HEADROOM_QUERY_TILE) / HEADROOM_QUERY_TILE;
      const std::uint64_t tiles = sizes.queryHeads / heads;
      traffic.issued.kvRead += tiles * 2 * seen.count() * sizes.headDim * sizes.kvBytes;
      traffic.issued.activationsRead += tiles * blocks * count * sizes.headDim * kFloat;
    }
  }
}

/// Of the last workgroup of each head: the chunks of a row, which it reads back, an extent with every texel;
/// and where there are several, that each workgroup counts itself.
void addMerging(StageTraffic& traffic, const StepShape& shape, const Sizes& sizes, std::uint64_t used) {
  const auto columns = static_cast<std::uint64_t>(shape.attentionWorkgroups());
  traffic.issued.activationsRead += used * sizes.queryHeads * sizes.headDim / 4 * (4 + 2) * kFloat;
  traffic.logical.activationsRead += used * sizes.queryHeads * (sizes.headDim + 2) * kFloat;
  for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
    bytes->activationsWritten += sizes.queryDim * kFloat;
    if (used == 1) continue;
    bytes->activationsRead += used * columns * kCounter;
    bytes->activationsWritten += (used + 1) * columns * kCounter;
  }
}

StageTraffic attentionDecode(const StepShape& shape, const Sizes& sizes, const StepRows& rows, int layer) {
  StageTraffic traffic;
  if (shape.tilesQueries) addQueryTiles(traffic, shape, sizes, rows, layer);
  for (const auto& [sequence, seen] : seenKeys(shape, rows.tokens, layer))
    traffic.logical.kvRead += 2 * seen.count() * sizes.kvDim * sizes.kvBytes;
  const auto keyLoads = static_cast<std::uint64_t>(shape.keyLoads());
  const auto capturedHeads = static_cast<std::uint64_t>(rows.capturedHeads);
  const auto pooling = static_cast<std::uint64_t>(rows.capturePooling);
  for (const TokenParams& token : rows.tokens) {
    const std::uint64_t length = token.position + 1ull;
    const std::uint64_t first = shape.firstSeen(length, layer);
    const auto used = static_cast<std::uint64_t>(shape.usedChunks(length, layer));
    if (!shape.tilesQueries) {
      traffic.issued.kvRead += keyLoads * 2 * (length - first) * sizes.headDim * sizes.kvBytes;
      traffic.issued.activationsRead += used * queryTexels(shape, sizes) * 4 * kFloat;
      if (mergesInAttention(shape, rows.form, layer)) addMerging(traffic, shape, sizes, used);
    }
    for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
      bytes->activationsWritten += sizes.queryHeads * (used * sizes.headDim + 2 * sizes.chunks) * kFloat;
      if (token.captureRow == kNoSlot) continue;
      bytes->captureWritten +=
          capturedHeads * ((length + pooling - 1) / pooling - first / pooling + 2 * sizes.chunks) * kFloat;
    }
  }
  traffic.logical.activationsRead += sizes.rows * sizes.queryDim * kFloat;
  return traffic;
}

StageTraffic attentionOutput(const DeviceLayer& layer, const StepShape& shape, const Sizes& sizes,
                             const StepRows& rows, int layerIndex) {
  StageTraffic traffic;
  const DeviceMatrix& matrix = layer.attentionOutput.matrix;
  std::uint64_t used = 0;  // of all rows
  for (const TokenParams& token : rows.tokens)
    used += static_cast<std::uint64_t>(shape.usedChunks(token.position + 1ull, layerIndex));
  const bool isMerged = mergesInAttention(shape, rows.form, layerIndex);
  if (!isMerged) traffic.logical.activationsRead = used * sizes.queryHeads * (sizes.headDim + 2) * kFloat;
  if (shape.rowsFamily()) {
    addProjection(traffic, matrix, shape, sizes, ProjectionInput::Plain, sizes.queryDim);
    if (!isMerged) {
      traffic.issued.activationsRead += used * sizes.queryHeads * (sizes.headDim + 2) * kFloat;
      for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
        bytes->activationsWritten += sizes.rows * sizes.queryDim * kFloat;
      }
    }
  } else {
    traffic.issued.weightsRead = matrix.issuedBytes(sizes.tile) * sizes.tiles;
    traffic.logical.weightsRead = matrix.logicalBytes();
    traffic.issued.activationsRead = matrix.rowGroups(sizes.tile) * sizes.loadedRows * matrix.columns4() *
                                     sizes.chunks * kMergedTexelBytes;
  }
  addTerms(traffic, layer.attentionOutput.terms, sizes.rows, sizes.modelDim);
  addResidual(traffic, shape, sizes);
  return traffic;
}

StageTraffic ffnGateUp(const DeviceLayer& layer, const StepShape& shape, const Sizes& sizes) {
  StageTraffic traffic;
  const DeviceMatrix& matrix = layer.gateUp.matrix;
  const std::uint64_t matrices = shape.traits().feedForward == model::FeedForward::Gated ? 2 : 1;
  addProjection(traffic, matrix, shape, sizes, ProjectionInput::BehindNorm, sizes.modelDim);
  // Rows that only fill gate or up to a multiple of 8 are padding, not weights.
  traffic.logical.weightsRead = matrices * sizes.ffnDim * matrix.bytesOf(sizes.modelDim);
  addGain(traffic, layer.ffnNorm, matrix, shape, sizes);
  addTerms(traffic, layer.gateUp.terms, sizes.rows, matrices * sizes.ffnDim);
  for (Traffic* bytes : {&traffic.issued, &traffic.logical}) {
    bytes->activationsWritten += sizes.rows * sizes.ffnDim * kFloat;
    if (shape.traits().activation == model::Activation::GeluTable) {
      bytes->weightsRead += sizes.rows * sizes.ffnDim * sizeof(std::uint16_t);
    }
  }
  return traffic;
}

StageTraffic logits(const DeviceWeights& weights, const StepShape& shape, const Sizes& sizes,
                    const StepRows& rows) {
  StageTraffic traffic;
  const DeviceMatrix& matrix = weights.outputMatrix();
  const auto vocabSize = static_cast<std::uint64_t>(shape.config.vocabSize);
  // By the kernels of the step, whose tiles are those of all its rows.
  const Sizes wanted(shape, static_cast<std::uint64_t>(rows.form.logitsRows), sizes.tile);
  addProjection(traffic, matrix, shape, wanted, ProjectionInput::BehindNorm, sizes.modelDim);
  addGain(traffic, weights.outputNorm, matrix, shape, wanted);
  addTerms(traffic, weights.outputTerms, wanted.rows, vocabSize);
  const std::uint64_t rowBytes = vocabSize * kFloat;
  for (Traffic* bytes : {&traffic.issued, &traffic.logical})
    bytes->activationsWritten += wanted.rows * rowBytes;
  if (rows.form.logits == LogitsTarget::Host) return traffic;
  const auto top = static_cast<std::uint64_t>(rows.topCount);
  traffic.issued.activationsRead +=
      wanted.rows * (1 + top) * rowBytes + static_cast<std::uint64_t>(rows.targetCount) * kFloat;
  traffic.logical.activationsRead += wanted.rows * rowBytes;
  for (Traffic* bytes : {&traffic.issued, &traffic.logical})
    bytes->activationsWritten += wanted.rows * (4 + 2 * top) * kFloat;
  return traffic;
}

}  // namespace

namespace {

/// Of the stage itself, without what is captured of it.
StageTraffic workTraffic(Stage stage, int layerIndex, const StepShape& shape, const DeviceWeights& weights,
                         const StepRows& rows) {
  const Sizes sizes(shape, rows.tokens.size());
  StageTraffic traffic;
  const DeviceLayer* layer =
      layerIndex >= 0 ? &weights.layers[static_cast<std::size_t>(layerIndex)] : nullptr;
  switch (stage) {
    case Stage::Embedding:
      return embedding(weights.tokenEmbedding, shape, sizes);
    case Stage::QkvProjection:
      return qkvProjection(*layer, shape, sizes);
    case Stage::AttentionDecode:
      return attentionDecode(shape, sizes, rows, layerIndex);
    case Stage::AttentionOutput:
      return attentionOutput(*layer, shape, sizes, rows, layerIndex);
    case Stage::FfnGateUp:
      return ffnGateUp(*layer, shape, sizes);
    case Stage::FfnDown:
      addProjection(traffic, layer->ffnDown.matrix, shape, sizes, ProjectionInput::Plain, sizes.ffnDim);
      addTerms(traffic, layer->ffnDown.terms, sizes.rows, sizes.modelDim);
      addResidual(traffic, shape, sizes);
      return traffic;
    case Stage::Logits:
      return logits(weights, shape, sizes, rows);
  }
  return traffic;
}

}  // namespace

StageTraffic stageTraffic(Stage stage, int layer, const StepShape& shape, const DeviceWeights& weights,
                          const StepRows& rows) {
  StageTraffic traffic = workTraffic(stage, layer, shape, weights, rows);
  for (const StageCapture& capture : capturesOf(shape, rows.form, stage, layer)) {
    const StageTraffic copied = captureTraffic(shape, capture, rows.tokens);
    traffic.issued += copied.issued;
    traffic.logical += copied.logical;
  }
  if (changesHeads(rows.form, stage, layer)) {
    const StageTraffic changed =
        interventionTraffic(shape, *rows.interventions->find(layer), layer, rows.tokens);
    traffic.issued += changed.issued;
    traffic.logical += changed.logical;
  }
  return traffic;
}

}  // namespace headroom::engine
