#include "core/engine/step_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "core/engine/device_weights.h"
#include "core/vulkan/check.h"
#include "core/vulkan/kernel_store.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::KernelFamily;

using Constants = std::vector<std::uint32_t>;

std::uint32_t u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

static_assert(static_cast<int>(model::Storage::F32) == 0 && static_cast<int>(model::Storage::F16) == 1 &&
                  static_cast<int>(model::Storage::Q8_0) == 2,
              "the order of weights.glsl");
static_assert(static_cast<int>(model::Activation::Silu) == 0 &&
                  static_cast<int>(model::Activation::GeluTanh) == 1 &&
                  static_cast<int>(model::Activation::GeluErf) == 2 &&
                  static_cast<int>(model::Activation::GeluTable) == 3,
              "the numbers of activation.glsl");

/// Builds the kernels of one decoder; constants are in the order of their ids.
class Builder {
 public:
  Builder(vulkan::Device& device, const StepShape& shape, TokenTile tile, KernelBuild build)
      : m_device(device),
        m_shape(shape),
        m_rows(shape.rowsFamily()),
        m_tile(tile == TokenTile::One ? 1 : HEADROOM_TOKEN_TILE),
        m_build(build) {}

  const vulkan::Kernel& embedding(const DeviceMatrix& matrix) const {
    const model::Traits& traits = m_shape.traits();
    const float scale =
        traits.scalesEmbedding ? std::sqrt(static_cast<float>(m_shape.config.modelDim)) : 1.0f;
    return make("embedding", fmt::format("embedding_{}", family()),
                {matrix.formatConstant(), matrix.columns4(), bits(scale),
                 traits.positions == model::Positions::Learned ? 1u : 0u});
  }
  const vulkan::Kernel& qkvProjection(const DeviceProjection& projection) const {
    const model::AttentionShape& heads = m_shape.config.attention;
    Constants constants =
        normalised(projection.matrix, projection.terms, heads.queryDim() + 2 * heads.kvDim());
    set(constants, 5,
        {u32(heads.queryHeadCount), u32(heads.kvHeadCount), u32(heads.headDim), u32(m_shape.config.ropeDim),
         u32(m_shape.options.contextLength), m_shape.traits().headNorms ? 1u : 0u});
    return make("qkv_projection",
                fmt::format("qkv_projection_{}_{}_{}", family(), m_tile, shortName(m_shape.options.kvType)),
                constants);
  }
  const vulkan::Kernel& headNorm() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    return make(
        "head_norm", fmt::format("head_norm_{}", shortName(m_shape.options.kvType)),
        {u32(heads.queryHeadCount), u32(heads.kvHeadCount), u32(heads.headDim), u32(m_shape.config.ropeDim),
         u32(m_shape.options.contextLength), bits(m_shape.config.normEpsilon)});
  }
  const vulkan::Kernel& attentionDecode() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    const bool large = !m_rows && m_shape.headsPerWorkgroup > HEADROOM_UNROLLED_GROUP;
    return make(
        "attention_decode", fmt::format("attention_decode_{}{}", family(), large ? "_large" : ""),
        {u32(heads.headDim / 4), u32(m_shape.headsPerWorkgroup), u32(heads.groupSize()),
         u32(heads.queryHeadCount), u32(heads.kvHeadCount), u32(m_shape.options.contextLength),
         u32(m_shape.chunkCount), u32(m_shape.minChunkKeys),
         u32(4 * model::bytesPerElement(m_shape.options.kvType)), u32(m_shape.attentionTile),
         bits(static_cast<float>(m_shape.config.scoreScale())), bits(m_shape.config.attentionSoftCap)},
        sizeof(AttentionDecodeParams));
  }
  const vulkan::Kernel& attentionMerge() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    return make("attention_merge", "attention_merge",
                {u32(heads.queryHeadCount), u32(heads.headDim / 4), u32(m_shape.chunkCount),
                 u32(m_shape.attendedColumns() / 4)});
  }
  const vulkan::Kernel& attentionOutput(const DeviceProjection& projection) const {
    const model::AttentionShape& heads = m_shape.config.attention;
    Constants constants = residual(projection);
    set(constants, 4, {u32(heads.queryHeadCount), u32(heads.headDim / 4), u32(m_shape.chunkCount)});
    return make("attention_output", fmt::format("attention_output_{}_{}", family(), m_tile), constants);
  }
  const vulkan::Kernel& addBranch() const {
    return make(
        "add_branch", "add_branch",
        {u32(m_shape.config.modelDim), u32(m_shape.streamColumns()), bits(m_shape.config.normEpsilon)});
  }
  const vulkan::Kernel& ffnGateUp(const DeviceProjection& projection) const {
    const model::Traits& traits = m_shape.traits();
    Constants constants = normalised(projection.matrix, projection.terms, m_shape.config.ffnDim);
    set(constants, 5, {u32(m_shape.hiddenColumns()), static_cast<std::uint32_t>(traits.activation)});
    const char* code = traits.feedForward == model::FeedForward::Gated ? "ffn_gate_up" : "ffn_up";
    return make("ffn_gate_up", fmt::format("{}_{}_{}", code, family(), m_tile), constants);
  }
  const vulkan::Kernel& ffnDown(const DeviceProjection& projection) const {
    return make("ffn_down", fmt::format("ffn_down_{}_{}", family(), m_tile), residual(projection));
  }
  const vulkan::Kernel& logits(const DeviceMatrix& matrix, const RowTerms& terms) const {
    Constants constants = normalised(matrix, terms, m_shape.config.vocabSize);
    set(constants, 5, {bits(m_shape.config.logitSoftCap)});
    return make("logits", fmt::format("logits_{}_{}", family(), m_tile), constants);
  }
  const vulkan::Kernel& logitSummary() const {
    return make("logit_summary", "logit_summary", {u32(m_shape.config.vocabSize)});
  }
  const vulkan::Kernel& captureRows() const {
    return make("capture_rows", "capture_rows", {}, sizeof(CaptureRowsParams));
  }
  const vulkan::Kernel& captureCache() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    return make("capture_cache", fmt::format("capture_cache_{}", shortName(m_shape.options.kvType)),
                {u32(heads.kvHeadCount), u32(heads.headDim), u32(m_shape.options.contextLength)},
                sizeof(CaptureRowsParams));
  }
  const vulkan::Kernel& captureHeads() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    return make("capture_heads", "capture_heads",
                {u32(heads.queryHeadCount), u32(heads.headDim / 4), u32(m_shape.chunkCount)},
                sizeof(CaptureRowsParams));
  }
  const vulkan::Kernel& intervene() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    return make("intervene", "intervene",
                {u32(heads.headDim / 4), u32(heads.groupSize()), u32(heads.queryHeadCount),
                 u32(heads.kvHeadCount), u32(m_shape.options.contextLength), u32(m_shape.chunkCount),
                 u32(4 * model::bytesPerElement(m_shape.options.kvType))},
                sizeof(InterveneParams));
  }

 private:
  std::string_view family() const { return shortName(m_shape.plan.family); }

  static std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }
  /// Sets the constants from id `first` on.
  static void set(Constants& constants, std::size_t first, std::initializer_list<std::uint32_t> values) {
    std::ranges::copy(values, constants.begin() + static_cast<std::ptrdiff_t>(first));
  }

  static Constants projection(const DeviceMatrix& matrix, const RowTerms& terms, int rows) {
    Constants constants(HEADROOM_TERMS_CONSTANT + 1);
    set(constants, 0, {matrix.formatConstant(), matrix.columns4(), u32(rows)});
    constants[HEADROOM_TERMS_CONSTANT] = terms.present() ? 1 : 0;
    return constants;
  }
  Constants normalised(const DeviceMatrix& matrix, const RowTerms& terms, int rows) const {
    Constants constants = projection(matrix, terms, rows);
    set(constants, 3, {u32(m_shape.config.modelDim), bits(m_shape.config.normEpsilon)});
    constants[HEADROOM_VARIANT_CONSTANT] = m_shape.traits().norm == model::Norm::Layer ? 1 : 0;
    return constants;
  }
  Constants residual(const DeviceProjection& source) const {
    Constants constants = projection(source.matrix, source.terms, m_shape.config.modelDim);
    set(constants, 3, {u32(m_shape.streamColumns())});
    constants[HEADROOM_VARIANT_CONSTANT] = m_shape.traits().branchNorms ? 1 : 0;
    return constants;
  }

  /// `constants` are numbered from 0. Bindings are those that the code has; throws vulkan::Error for a
  /// constant of the code that nobody gives.
  const vulkan::Kernel& make(const std::string& name, const std::string& code, Constants constants,
                             std::uint32_t pushBytes = 0) const {
    const KernelCode& kernel = kernelCode(code + (m_build == KernelBuild::Audit ? "_audit" : "_plain"));
    for (const std::uint32_t id : kernel.constants) {
      if (id < constants.size() || id == HEADROOM_ROW_BLOCKS_CONSTANT || id == HEADROOM_INVOCATIONS_CONSTANT)
        continue;
      throw vulkan::Error(fmt::format("Kernel {} has a specialization constant {}, {} were given.", code, id,
                                      constants.size()));
    }
    constants.resize(HEADROOM_INVOCATIONS_CONSTANT + 1);
    constants[HEADROOM_ROW_BLOCKS_CONSTANT] = u32(m_shape.plan.rowBlocks);
    constants[HEADROOM_INVOCATIONS_CONSTANT] = u32(m_shape.plan.invocations);
    return m_device.kernels().get(name, kernel.words, {kernel.bindings.begin(), kernel.bindings.end()},
                                  constants, pushBytes);
  }

  vulkan::Device& m_device;
  const StepShape& m_shape;
  bool m_rows;
  int m_tile;
  KernelBuild m_build;
};

}  // namespace

StepKernels::StepKernels(vulkan::Device& device, const StepShape& shape, const DeviceWeights& weights,
                         TokenTile tile, KernelBuild build, std::optional<model::Stage> only)
    : m_device(device), m_shape(shape), m_build(build), m_tile(tile) {
  using model::Stage;
  const Builder builder(device, shape, tile, build);
  const auto wanted = [&](Stage stage) { return !only || *only == stage; };
  if (wanted(Stage::Embedding)) m_embedding = &builder.embedding(weights.tokenEmbedding);
  if (wanted(Stage::AttentionDecode)) m_attentionDecode = &builder.attentionDecode();
  if (wanted(Stage::Logits)) m_logits = &builder.logits(weights.outputMatrix(), weights.outputTerms);
  if (shape.rowsFamily() && wanted(Stage::AttentionOutput)) m_attentionMerge = &builder.attentionMerge();
  if (shape.traits().headNorms && wanted(Stage::QkvProjection)) m_headNorm = &builder.headNorm();
  if (shape.traits().branchNorms) m_addBranch = &builder.addBranch();
  const auto once = [&](Stage stage, ByStorage& kernels, const DeviceProjection& projection, auto maker) {
    const vulkan::Kernel*& kernel = kernels.kernels[projection.matrix.formatConstant()];
    if (wanted(stage) && kernel == nullptr) kernel = &(builder.*maker)(projection);
  };
  for (const DeviceLayer& layer : weights.layers) {
    once(Stage::QkvProjection, m_qkvProjection, layer.qkv, &Builder::qkvProjection);
    once(Stage::AttentionOutput, m_attentionOutput, layer.attentionOutput, &Builder::attentionOutput);
    once(Stage::FfnGateUp, m_ffnGateUp, layer.gateUp, &Builder::ffnGateUp);
    once(Stage::FfnDown, m_ffnDown, layer.ffnDown, &Builder::ffnDown);
  }
}

const vulkan::Kernel& StepKernels::logitSummary() const {
  return Builder(m_device, m_shape, m_tile, m_build).logitSummary();
}

const vulkan::Kernel& StepKernels::captureRows() const {
  return Builder(m_device, m_shape, m_tile, m_build).captureRows();
}

const vulkan::Kernel& StepKernels::captureCache() const {
  return Builder(m_device, m_shape, m_tile, m_build).captureCache();
}

const vulkan::Kernel& StepKernels::captureHeads() const {
  return Builder(m_device, m_shape, m_tile, m_build).captureHeads();
}

const vulkan::Kernel& StepKernels::intervene() const {
  return Builder(m_device, m_shape, m_tile, m_build).intervene();
}

}  // namespace headroom::engine
