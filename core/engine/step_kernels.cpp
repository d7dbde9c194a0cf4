#include "core/engine/step_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/engine/device_weights.h"
#include "core/vulkan/kernel_store.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::KernelFamily;

using model::Storage;
static_assert(static_cast<int>(Storage::F32) == 0 && static_cast<int>(Storage::F16) == 1 &&
                  static_cast<int>(Storage::Q8_0) == 2 && static_cast<int>(Storage::BF16) == 3 &&
                  static_cast<int>(Storage::Q4_0) == 4 && static_cast<int>(Storage::Q4_K) == 10 &&
                  static_cast<int>(Storage::Q5_K) == 11 && static_cast<int>(Storage::Q6_K) == 12,
              "the numbers of weights.glsl");
static_assert(static_cast<int>(model::Activation::Silu) == 0 &&
                  static_cast<int>(model::Activation::GeluTanh) == 1 &&
                  static_cast<int>(model::Activation::GeluErf) == 2 &&
                  static_cast<int>(model::Activation::GeluTable) == 3,
              "the numbers of activation.glsl");

constexpr int kSummaryInvocations = 1024;  ///< a power of two, as are devices' limits

/// Builds the kernels of one decoder.
class Builder {
 public:
  Builder(vulkan::Device& device, const StepShape& shape, TokenTile tile, KernelBuild build)
      : m_device(device),
        m_shape(shape),
        m_heads(shape.config.attention),
        m_rows(shape.rowsFamily()),
        m_tile(codeName(tile)),
        m_build(build) {}

  KernelOf<Embedding> embedding(const DeviceMatrix& matrix) const {
    const model::Traits& traits = m_shape.traits();
    return make<Embedding>(
        "embedding", fmt::format("embedding_{}", family()),
        {.weightFormat = matrix.formatConstant(),
         .columns4 = matrix.columns4(),
         .scale = traits.scalesEmbedding ? std::sqrt(static_cast<float>(m_shape.config.modelDim)) : 1.0f,
         .learnedPositions = traits.positions == model::Positions::Learned ? 1u : 0u});
  }
  KernelOf<QkvProjection> qkvProjection(const DeviceProjection& projection) const {
    return make<QkvProjection>(
        "qkv_projection",
        fmt::format("qkv_projection_{}_{}_{}", family(), m_tile, shortName(m_shape.options.kvType)),
        {.weightFormat = projection.matrix.formatConstant(),
         .columns4 = projection.matrix.columns4(),
         .rows = u32(projection.matrix.rows()),
         .modelDim = u32(m_shape.config.modelDim),
         .epsilon = m_shape.config.normEpsilon,
         .queryHeads = u32(m_heads.queryHeadCount),
         .kvHeads = u32(m_heads.kvHeadCount),
         .headDim = u32(m_heads.headDim),
         .ropeDim = u32(m_shape.config.ropeDim),
         .context = u32(m_shape.options.contextLength),
         .stores = m_shape.traits().headNorms ? 1u : 0u,
         .firstRow = u32(projection.firstRow),
         .layerNorm = layerNorm(),
         .hasTerms = has(projection.terms),
         .rowBlocks = rowBlocks(),
         .side = side(),
         .subgroups = tileSubgroups()});
  }
  KernelOf<HeadNorm> headNorm() const {
    return make<HeadNorm>("head_norm", fmt::format("head_norm_{}", shortName(m_shape.options.kvType)),
                          {.queryHeads = u32(m_heads.queryHeadCount),
                           .kvHeads = u32(m_heads.kvHeadCount),
                           .headDim = u32(m_heads.headDim),
                           .ropeDim = u32(m_shape.config.ropeDim),
                           .context = u32(m_shape.options.contextLength),
                           .epsilon = m_shape.config.normEpsilon});
  }
  KernelOf<OctetAttentionDecode> octetAttentionDecode() const {
    const OctetAttention& octets = m_shape.octets;
    return make<OctetAttentionDecode>(
        "attention_decode", fmt::format("attention_decode_octets_{}", shortName(m_shape.options.kvType)),
        {.headDim4 = u32(m_heads.headDim / 4),
         .group = u32(octets.heads),
         .headsPerKv = u32(m_heads.groupSize()),
         .queryHeads = u32(m_heads.queryHeadCount),
         .kvHeads = u32(m_heads.kvHeadCount),
         .context = u32(m_shape.options.contextLength),
         .chunks = u32(m_shape.chunkCount),
         .minChunk = u32(m_shape.minChunkKeys),
         .attendedColumns4 = u32(m_shape.attendedColumns() / 4),
         .scale = static_cast<float>(m_shape.config.scoreScale()),
         .softCap = m_shape.config.attentionSoftCap,
         .lanes = u32(octets.lanes),
         .unroll = u32(octets.unroll),
         .headsCeiled = u32(octets.headsCeiled()),
         .headSubgroups = u32(octets.headSubgroups),
         .subgroups = u32(octets.subgroups())},
        sizeof(AttentionDecodeParams), m_shape.attentionInvocations());
  }
  KernelOf<MatrixAttentionDecode> matrixAttentionDecode() const {
    const MatrixAttention& matrices = m_shape.matrices;
    return make<MatrixAttentionDecode>("attention_decode", "attention_matrices",
                                       {.headDim4 = u32(m_heads.headDim / 4),
                                        .group = u32(matrices.heads),
                                        .headsPerKv = u32(m_heads.groupSize()),
                                        .queryHeads = u32(m_heads.queryHeadCount),
                                        .kvHeads = u32(m_heads.kvHeadCount),
                                        .context = u32(m_shape.options.contextLength),
                                        .chunks = u32(m_shape.chunkCount),
                                        .minChunk = u32(m_shape.minChunkKeys),
                                        .workgroupsPerKv = u32(matrices.workgroupsPerKv),
                                        .scale = static_cast<float>(m_shape.config.scoreScale()),
                                        .softCap = m_shape.config.attentionSoftCap,
                                        .rows = u32(matrices.rows),
                                        .keys = u32(matrices.keys),
                                        .tilesQueries = m_shape.tilesQueries ? 1u : 0u,
                                        .side = side(),
                                        .subgroups = subgroupsOf(matrices.invocations)},
                                       sizeof(AttentionDecodeParams), m_shape.attentionInvocations());
  }
  KernelOf<AttentionDecode> attentionDecode() const {
    return make<AttentionDecode>(
        "attention_decode", attentionDecodeCode(),
        {.headDim4 = u32(m_heads.headDim / 4),
         .group = u32(m_shape.tilesQueries ? m_shape.headsPerQueryTile() : m_shape.headsPerWorkgroup),
         .headsPerKv = u32(m_heads.groupSize()),
         .queryHeads = u32(m_heads.queryHeadCount),
         .kvHeads = u32(m_heads.kvHeadCount),
         .context = u32(m_shape.options.contextLength),
         .chunks = u32(m_shape.chunkCount),
         .minChunk = u32(m_shape.minChunkKeys),
         .kvTexelBytes = kvTexelBytes(),
         .tile = u32(m_shape.attentionTile),
         .scale = static_cast<float>(m_shape.config.scoreScale()),
         .softCap = m_shape.config.attentionSoftCap},
        sizeof(AttentionDecodeParams), m_shape.attentionInvocations());
  }
  KernelOf<AttentionMerge> attentionMerge() const {
    return make<AttentionMerge>("attention_merge", "attention_merge",
                                {.queryHeads = u32(m_heads.queryHeadCount),
                                 .headDim4 = u32(m_heads.headDim / 4),
                                 .chunks = u32(m_shape.chunkCount),
                                 .attendedColumns4 = u32(m_shape.attendedColumns() / 4),
                                 .minChunk = u32(m_shape.minChunkKeys)},
                                sizeof(AttentionDecodeParams));
  }
  KernelOf<AttentionOutput> attentionOutput(const DeviceProjection& projection) const {
    return make<AttentionOutput>("attention_output", fmt::format("attention_output_{}_{}", family(), m_tile),
                                 {.weightFormat = projection.matrix.formatConstant(),
                                  .columns4 = projection.matrix.columns4(),
                                  .rows = u32(m_shape.config.modelDim),
                                  .streamColumns = u32(m_shape.streamColumns()),
                                  .stores = storesBranch(),
                                  .hasTerms = has(projection.terms),
                                  .side = side(),
                                  .subgroups = tileSubgroups()});
  }
  KernelOf<MergingAttentionOutput> mergingAttentionOutput(const DeviceProjection& projection) const {
    return make<MergingAttentionOutput>("attention_output",
                                        fmt::format("attention_output_{}_{}", family(), m_tile),
                                        {.weightFormat = projection.matrix.formatConstant(),
                                         .columns4 = projection.matrix.columns4(),
                                         .rows = u32(m_shape.config.modelDim),
                                         .streamColumns = u32(m_shape.streamColumns()),
                                         .queryHeads = u32(m_heads.queryHeadCount),
                                         .headDim4 = u32(m_heads.headDim / 4),
                                         .chunks = u32(m_shape.chunkCount),
                                         .stores = storesBranch(),
                                         .hasTerms = has(projection.terms),
                                         .rowBlocks = rowBlocks()});
  }
  KernelOf<AddBranch> addBranch() const {
    return make<AddBranch>("add_branch", "add_branch",
                           {.modelDim = u32(m_shape.config.modelDim),
                            .streamColumns = u32(m_shape.streamColumns()),
                            .epsilon = m_shape.config.normEpsilon});
  }
  KernelOf<FfnGateUp> ffnGateUp(const DeviceProjection& projection) const {
    const model::Traits& traits = m_shape.traits();
    const char* code = traits.feedForward == model::FeedForward::Gated ? "ffn_gate_up" : "ffn_up";
    return make<FfnGateUp>("ffn_gate_up", fmt::format("{}_{}_{}", code, family(), m_tile),
                           {.weightFormat = projection.matrix.formatConstant(),
                            .columns4 = projection.matrix.columns4(),
                            .rows = u32(m_shape.config.ffnDim),
                            .modelDim = u32(m_shape.config.modelDim),
                            .epsilon = m_shape.config.normEpsilon,
                            .hiddenColumns = u32(m_shape.hiddenColumns()),
                            .activation = static_cast<std::uint32_t>(traits.activation),
                            .layerNorm = layerNorm(),
                            .hasTerms = has(projection.terms),
                            .rowBlocks = rowBlocks(),
                            .side = side(),
                            .subgroups = tileSubgroups()});
  }
  KernelOf<FfnDown> ffnDown(const DeviceProjection& projection) const {
    return make<FfnDown>("ffn_down", fmt::format("ffn_down_{}_{}", family(), m_tile),
                         {.weightFormat = projection.matrix.formatConstant(),
                          .columns4 = projection.matrix.columns4(),
                          .rows = u32(m_shape.config.modelDim),
                          .streamColumns = u32(m_shape.streamColumns()),
                          .stores = storesBranch(),
                          .hasTerms = has(projection.terms),
                          .rowBlocks = rowBlocks(),
                          .side = side(),
                          .subgroups = tileSubgroups()});
  }
  KernelOf<Logits> logits(const DeviceMatrix& matrix, const RowTerms& terms) const {
    return make<Logits>("logits", fmt::format("logits_{}_{}", family(), m_tile),
                        {.weightFormat = matrix.formatConstant(),
                         .columns4 = matrix.columns4(),
                         .rows = u32(m_shape.config.vocabSize),
                         .modelDim = u32(m_shape.config.modelDim),
                         .epsilon = m_shape.config.normEpsilon,
                         .softCap = m_shape.config.logitSoftCap,
                         .layerNorm = layerNorm(),
                         .hasTerms = has(terms),
                         .rowBlocks = rowBlocks(),
                         .side = side(),
                         .subgroups = tileSubgroups()});
  }
  KernelOf<LogitSummary> logitSummary() const {
    // One workgroup looks through a row: on a GPU as large a one as there is.
    const int invocations = m_rows ? std::min(kSummaryInvocations, m_device.info().mostInvocations()) : 0;
    return make<LogitSummary>("logit_summary", "logit_summary", {.vocab = u32(m_shape.config.vocabSize)}, 0,
                              invocations);
  }
  KernelOf<AdvanceTokens> advanceTokens() const {
    return make<AdvanceTokens>("advance_tokens", "advance_tokens", {});
  }
  KernelOf<CaptureRows> captureRows() const {
    return make<CaptureRows>("capture_rows", "capture_rows", {}, sizeof(CaptureRowsParams));
  }
  KernelOf<CaptureCache> captureCache() const {
    return make<CaptureCache>("capture_cache",
                              fmt::format("capture_cache_{}", shortName(m_shape.options.kvType)),
                              {.kvHeads = u32(m_heads.kvHeadCount),
                               .headDim = u32(m_heads.headDim),
                               .context = u32(m_shape.options.contextLength)},
                              sizeof(CaptureRowsParams));
  }
  KernelOf<CaptureHeads> captureHeads() const {
    return make<CaptureHeads>("capture_heads", fmt::format("capture_heads_{}", family()),
                              {.queryHeads = u32(m_heads.queryHeadCount),
                               .headDim4 = u32(m_heads.headDim / 4),
                               .chunks = u32(m_shape.chunkCount),
                               .minChunk = u32(m_shape.minChunkKeys)},
                              sizeof(CaptureRowsParams));
  }
  KernelOf<Intervene> intervene() const {
    return make<Intervene>("intervene",
                           m_rows ? fmt::format("intervene_rows_{}", shortName(m_shape.options.kvType))
                                  : std::string("intervene_packed"),
                           {.headDim4 = u32(m_heads.headDim / 4),
                            .headsPerKv = u32(m_heads.groupSize()),
                            .queryHeads = u32(m_heads.queryHeadCount),
                            .kvHeads = u32(m_heads.kvHeadCount),
                            .context = u32(m_shape.options.contextLength),
                            .chunks = u32(m_shape.chunkCount),
                            .kvTexelBytes = kvTexelBytes(),
                            .minChunk = u32(m_shape.minChunkKeys)},
                           sizeof(InterveneParams));
  }

 private:
  std::string_view family() const { return shortName(m_shape.plan.family); }
  std::uint32_t rowBlocks() const { return u32(m_shape.plan.rowBlocks); }
  std::uint32_t layerNorm() const { return m_shape.traits().norm == model::Norm::Layer ? 1 : 0; }
  /// Whether a projection overwrites the branch instead of adding to the stream.
  std::uint32_t storesBranch() const { return m_shape.traits().branchNorms ? 1 : 0; }
  std::uint32_t kvTexelBytes() const { return u32(4 * model::bytesPerElement(m_shape.options.kvType)); }
  static std::uint32_t has(const RowTerms& terms) { return terms.present() ? 1 : 0; }
  static std::string codeName(TokenTile tile) {
    return tile == TokenTile::ManyByMatrices ? "matrices" : std::to_string(tokensOf(tile));
  }
  // Of cooperative matrices; what has none does not read them.
  std::uint32_t side() const { return u32(m_shape.matrixSide); }
  std::uint32_t subgroupsOf(int invocations) const { return u32(invocations / m_shape.subgroupSize); }
  std::uint32_t tileSubgroups() const { return subgroupsOf(HEADROOM_PROJECTION_TILE_INVOCATIONS); }

  std::string attentionDecodeCode() const {
    const std::string_view kvType = shortName(m_shape.options.kvType);
    if (m_shape.tilesQueries) return fmt::format("attention_tiles_{}", kvType);
    if (m_rows) return fmt::format("attention_decode_rows_{}", kvType);
    const bool large = m_shape.headsPerWorkgroup > HEADROOM_UNROLLED_GROUP;
    return large ? "attention_decode_packed_large" : "attention_decode_packed";
  }

  template <typename Interface>
  KernelOf<Interface> make(const std::string& name, const std::string& code,
                           const typename Interface::Constants& constants, std::uint32_t pushBytes = 0,
                           int invocations = 0) const {
    std::vector<std::uint32_t> values(HEADROOM_INVOCATIONS_CONSTANT + 1);
    for (const auto& [id, value] : constants.byId()) {
      values.resize(std::max<std::size_t>(values.size(), id + 1));
      values[id] = value;
    }
    values[HEADROOM_INVOCATIONS_CONSTANT] = u32(invocations > 0 ? invocations : m_shape.plan.invocations);
    const KernelCode& kernel = kernelCode(code + (m_build == KernelBuild::Audit ? "_audit" : "_plain"));
    return {&m_device.kernels().get(name, kernel.words, {kernel.bindings.begin(), kernel.bindings.end()},
                                    values, pushBytes)};
  }

  vulkan::Device& m_device;
  const StepShape& m_shape;
  const model::AttentionShape& m_heads;
  bool m_rows;
  std::string m_tile;  ///< in names of kernels
  KernelBuild m_build;
};

std::array<std::int64_t, 3> qkvKey(const DeviceProjection& part) {
  return {part.matrix.formatConstant(), part.firstRow, part.matrix.rows()};
}

}  // namespace

StepKernels::StepKernels(vulkan::Device& device, const StepShape& shape, const DeviceWeights& weights,
                         TokenTile tile, KernelBuild build, std::optional<model::Stage> only)
    : m_device(device), m_shape(shape), m_build(build), m_tile(tile) {
  using model::Stage;
  const Builder builder(device, shape, tile, build);
  const auto wanted = [&](Stage stage) { return !only || *only == stage; };
  if (wanted(Stage::Embedding)) m_embedding = builder.embedding(weights.tokenEmbedding);
  if (wanted(Stage::AttentionDecode)) {
    if (shape.attendsByMatrices()) {
      m_matrixAttentionDecode = builder.matrixAttentionDecode();
    } else if (shape.attendsByOctets()) {
      m_octetAttentionDecode = builder.octetAttentionDecode();
    } else {
      m_attentionDecode = builder.attentionDecode();
    }
  }
  if (wanted(Stage::Logits)) m_logits = builder.logits(weights.outputMatrix(), weights.outputTerms);
  if (shape.rowsFamily() && wanted(Stage::AttentionOutput)) m_attentionMerge = builder.attentionMerge();
  if (shape.traits().headNorms && wanted(Stage::QkvProjection)) m_headNorm = builder.headNorm();
  if (shape.traits().branchNorms) m_addBranch = builder.addBranch();
  const auto once = [&](Stage stage, auto& byStorage, const DeviceProjection& projection, auto maker) {
    auto& kernel = byStorage.kernels[projection.matrix.formatConstant()];
    if (wanted(stage) && !kernel) kernel = (builder.*maker)(projection);
  };
  for (const DeviceLayer& layer : weights.layers) {
    for (const DeviceProjection& part : layer.qkv) {
      auto& kernel = m_qkvProjection[qkvKey(part)];
      if (wanted(Stage::QkvProjection) && !kernel) kernel = builder.qkvProjection(part);
    }
    if (shape.rowsFamily()) {
      once(Stage::AttentionOutput, m_attentionOutput, layer.attentionOutput, &Builder::attentionOutput);
    } else {
      once(Stage::AttentionOutput, m_mergingAttentionOutput, layer.attentionOutput,
           &Builder::mergingAttentionOutput);
    }
    once(Stage::FfnGateUp, m_ffnGateUp, layer.gateUp, &Builder::ffnGateUp);
    once(Stage::FfnDown, m_ffnDown, layer.ffnDown, &Builder::ffnDown);
  }
}

KernelOf<QkvProjection> StepKernels::qkvProjection(const DeviceProjection& part) const {
  return m_qkvProjection.at(qkvKey(part));
}

KernelOf<LogitSummary> StepKernels::logitSummary() const {
  return Builder(m_device, m_shape, m_tile, m_build).logitSummary();
}

KernelOf<AdvanceTokens> StepKernels::advanceTokens() const {
  return Builder(m_device, m_shape, m_tile, m_build).advanceTokens();
}

KernelOf<CaptureRows> StepKernels::captureRows() const {
  return Builder(m_device, m_shape, m_tile, m_build).captureRows();
}

KernelOf<CaptureCache> StepKernels::captureCache() const {
  return Builder(m_device, m_shape, m_tile, m_build).captureCache();
}

KernelOf<CaptureHeads> StepKernels::captureHeads() const {
  return Builder(m_device, m_shape, m_tile, m_build).captureHeads();
}

KernelOf<Intervene> StepKernels::intervene() const {
  return Builder(m_device, m_shape, m_tile, m_build).intervene();
}

}  // namespace headroom::engine
