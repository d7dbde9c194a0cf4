#include "core/engine/step_kernels.h"

#include <fmt/format.h>

#include <bit>
#include <vector>

#include "core/engine/device_weights.h"
#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

using model::KernelFamily;

constexpr VkDescriptorType kUniform = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
constexpr VkDescriptorType kTexel = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
constexpr VkDescriptorType kStorage = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
/// Specialization constants of the families: blocks of rows per workgroup, invocations of a workgroup.
constexpr std::size_t kRowBlocksConstant = 15;
constexpr std::size_t kInvocationsConstant = 16;

using Constants = std::vector<std::uint32_t>;
using Bindings = std::vector<VkDescriptorType>;

std::uint32_t u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

static_assert(static_cast<int>(model::Storage::F32) == 0 && static_cast<int>(model::Storage::F16) == 1 &&
                  static_cast<int>(model::Storage::Q8_0) == 2,
              "the order of weights.glsl");

/// Builds the kernels of one decoder; constants are in the order of their ids.
class Builder {
 public:
  Builder(vulkan::Device& device, const StepShape& shape, TokenTile tile, KernelBuild build)
      : m_device(device),
        m_shape(shape),
        m_rows(shape.rowsFamily()),
        m_tile(tile == TokenTile::One ? 1 : HEADROOM_TOKEN_TILE),
        m_build(build) {}

  vulkan::Kernel embedding(const DeviceMatrix& matrix) const {
    return make("embedding", fmt::format("embedding_{}", family()), projectionBindings({kStorage}),
                {matrix.formatConstant(), matrix.columns4()});
  }
  vulkan::Kernel qkvProjection(const DeviceMatrix& matrix) const {
    const model::AttentionShape& heads = m_shape.config.attention;
    Constants constants = normalised(matrix, heads.queryDim() + 2 * heads.kvDim());
    constants.insert(constants.end(), {u32(heads.queryHeadCount), u32(heads.kvHeadCount), u32(heads.headDim),
                                       u32(m_shape.config.ropeDim), u32(m_shape.options.contextLength)});
    return make("qkv_projection",
                fmt::format("qkv_projection_{}_{}_{}", family(), m_tile, shortName(m_shape.options.kvType)),
                projectionBindings({kTexel, kTexel, kTexel, kStorage, kStorage, kStorage}), constants);
  }
  vulkan::Kernel attentionDecode() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    const bool large = !m_rows && m_shape.headsPerWorkgroup > HEADROOM_UNROLLED_GROUP;
    return make("attention_decode", fmt::format("attention_decode_{}{}", family(), large ? "_large" : ""),
                {kUniform, kTexel, kTexel, kTexel, kStorage, kStorage, kStorage, kStorage},
                {u32(heads.headDim / 4), u32(m_shape.headsPerWorkgroup), u32(heads.groupSize()),
                 u32(heads.queryHeadCount), u32(heads.kvHeadCount), u32(m_shape.options.contextLength),
                 u32(m_shape.chunkCount), u32(m_shape.minChunkKeys),
                 u32(4 * model::bytesPerElement(m_shape.options.kvType)), u32(m_shape.attentionTile)},
                sizeof(AttentionDecodeParams));
  }
  vulkan::Kernel attentionMerge() const {
    const model::AttentionShape& heads = m_shape.config.attention;
    return make("attention_merge", "attention_merge", {kTexel, kTexel, kStorage},
                {u32(heads.queryHeadCount), u32(heads.headDim / 4), u32(m_shape.chunkCount),
                 u32(m_shape.attendedColumns() / 4)});
  }
  vulkan::Kernel attentionOutput(const DeviceMatrix& matrix) const {
    const model::AttentionShape& heads = m_shape.config.attention;
    Constants constants = residual(matrix);
    constants.insert(constants.end(),
                     {u32(heads.queryHeadCount), u32(heads.headDim / 4), u32(m_shape.chunkCount)});
    return make("attention_output", fmt::format("attention_output_{}_{}", family(), m_tile),
                m_rows ? projectionBindings({kTexel, kTexel, kStorage})
                       : projectionBindings({kTexel, kTexel, kStorage}),
                constants);
  }
  vulkan::Kernel ffnGateUp(const DeviceMatrix& matrix) const {
    Constants constants = normalised(matrix, m_shape.config.ffnDim);
    constants.push_back(u32(m_shape.hiddenColumns()));
    return make("ffn_gate_up", fmt::format("ffn_gate_up_{}_{}", family(), m_tile),
                projectionBindings({kTexel, kTexel, kStorage}), constants);
  }
  vulkan::Kernel ffnDown(const DeviceMatrix& matrix) const {
    return make("ffn_down", fmt::format("ffn_down_{}_{}", family(), m_tile),
                projectionBindings({kTexel, kStorage}), residual(matrix));
  }
  vulkan::Kernel logits(const DeviceMatrix& matrix) const {
    return make("logits", fmt::format("logits_{}_{}", family(), m_tile),
                projectionBindings({kTexel, kTexel, kStorage}), normalised(matrix, m_shape.config.vocabSize));
  }

 private:
  std::string_view family() const { return shortName(m_shape.plan.family); }

  Bindings projectionBindings(std::initializer_list<VkDescriptorType> further) const {
    Bindings bindings{kUniform, m_rows ? kStorage : kTexel, kTexel};
    bindings.insert(bindings.end(), further);
    return bindings;
  }
  Constants normalised(const DeviceMatrix& matrix, int rows) const {
    return {matrix.formatConstant(), matrix.columns4(), u32(rows), u32(m_shape.config.modelDim),
            std::bit_cast<std::uint32_t>(m_shape.config.normEpsilon)};
  }
  Constants residual(const DeviceMatrix& matrix) const {
    return {matrix.formatConstant(), matrix.columns4(), u32(m_shape.config.modelDim),
            u32(m_shape.streamColumns())};
  }

  vulkan::Kernel make(const std::string& name, const std::string& code, Bindings bindings,
                      Constants constants, std::uint32_t pushBytes = 0) const {
    if (m_build == KernelBuild::Audit) bindings.push_back(kStorage);
    constants.resize(kInvocationsConstant + 1);
    constants[kRowBlocksConstant] = u32(m_shape.plan.rowBlocks);
    constants[kInvocationsConstant] = u32(m_shape.plan.invocations);
    return {m_device,
            name,
            kernelWords(code + (m_build == KernelBuild::Audit ? "_audit" : "_plain")),
            std::move(bindings),
            constants,
            pushBytes};
  }

  vulkan::Device& m_device;
  const StepShape& m_shape;
  bool m_rows;
  int m_tile;
  KernelBuild m_build;
};

}  // namespace

StepKernels::StepKernels(vulkan::Device& device, const StepShape& shape, const DeviceWeights& weights,
                         TokenTile tile, KernelBuild build)
    : m_tile(tile) {
  const Builder builder(device, shape, tile, build);
  m_embedding = builder.embedding(weights.tokenEmbedding);
  m_attentionDecode = builder.attentionDecode();
  if (shape.rowsFamily()) m_attentionMerge = builder.attentionMerge();
  m_logits = builder.logits(weights.outputMatrix());
  const auto once = [&](ByStorage& kernels, const DeviceMatrix& matrix, auto maker) {
    std::optional<vulkan::Kernel>& kernel = kernels.kernels[matrix.formatConstant()];
    if (!kernel) kernel = (builder.*maker)(matrix);
  };
  for (const DeviceLayer& layer : weights.layers) {
    once(m_qkvProjection, layer.qkv, &Builder::qkvProjection);
    once(m_attentionOutput, layer.attentionOutput, &Builder::attentionOutput);
    once(m_ffnGateUp, layer.gateUp, &Builder::ffnGateUp);
    once(m_ffnDown, layer.ffnDown, &Builder::ffnDown);
  }
}

}  // namespace headroom::engine
