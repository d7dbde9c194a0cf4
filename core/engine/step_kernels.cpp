#include "core/engine/step_kernels.h"

#include <bit>
#include <vector>

#include "shaders/kernel_params.h"

namespace headroom::engine {

namespace {

constexpr VkDescriptorType kUniform = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
constexpr VkDescriptorType kTexel = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
constexpr VkDescriptorType kStorage = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;

using Constants = std::vector<std::uint32_t>;

std::uint32_t u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

/// The specialization constants of the kernels, in the order of their ids.
struct ConstantsOf {
  const StepShape& shape;
  const model::ModelConfig& config = shape.config;
  const model::AttentionShape& heads = config.attention;
  std::uint32_t streamColumns4 = u32(shape.streamColumns() / 4);
  std::uint32_t epsilon = std::bit_cast<std::uint32_t>(config.normEpsilon);

  Constants embedding() const { return {streamColumns4}; }
  Constants qkvProjection() const {
    return {streamColumns4,
            u32(heads.queryDim() + 2 * heads.kvDim()),
            u32(config.modelDim),
            epsilon,
            u32(heads.queryHeadCount),
            u32(heads.kvHeadCount),
            u32(heads.headDim),
            u32(config.ropeDim),
            u32(shape.options.contextLength)};
  }
  Constants attentionDecode() const {
    return {u32(heads.headDim / 4),    u32(shape.headsPerWorkgroup()), u32(heads.groupSize()),
            u32(heads.queryHeadCount), u32(heads.kvHeadCount),         u32(shape.options.contextLength),
            u32(shape.chunkCount),     u32(shape.minChunkKeys),        u32(shape.blockTokens)};
  }
  Constants attentionOutput() const {
    return {u32(paddedColumns(u32(heads.queryDim())) / 4),
            u32(config.modelDim),
            u32(heads.queryHeadCount),
            u32(heads.headDim / 4),
            u32(shape.chunkCount),
            u32(shape.streamColumns())};
  }
  Constants ffnGateUp() const {
    return {streamColumns4, u32(config.ffnDim), u32(config.modelDim), epsilon, u32(shape.hiddenColumns())};
  }
  Constants ffnDown() const {
    return {u32(shape.hiddenColumns() / 4), u32(config.modelDim), u32(shape.streamColumns())};
  }
  Constants logits() const { return {streamColumns4, u32(config.vocabSize), u32(config.modelDim), epsilon}; }
};

}  // namespace

StepKernels::StepKernels(vulkan::Device& device, const StepShape& shape, TokenTile tokenTile)
    : tile(tokenTile),
      embedding(device, "embedding", kernel_code::embedding(), {kUniform, kTexel, kStorage},
                ConstantsOf{shape}.embedding()),
      qkvProjection(device, "qkv_projection", kernel_code::qkvProjection(tile, shape.options.kvType),
                    {kUniform, kTexel, kTexel, kTexel, kTexel, kStorage, kStorage, kStorage},
                    ConstantsOf{shape}.qkvProjection()),
      attentionDecode(device, "attention_decode", kernel_code::attentionDecode(shape.headsPerWorkgroup()),
                      {kUniform, kTexel, kTexel, kTexel, kStorage, kStorage, kStorage},
                      ConstantsOf{shape}.attentionDecode(), sizeof(AttentionDecodeParams)),
      attentionOutput(device, "attention_output", kernel_code::attentionOutput(tile),
                      {kUniform, kTexel, kTexel, kTexel, kStorage}, ConstantsOf{shape}.attentionOutput()),
      ffnGateUp(device, "ffn_gate_up", kernel_code::ffnGateUp(tile),
                {kUniform, kTexel, kTexel, kTexel, kStorage}, ConstantsOf{shape}.ffnGateUp()),
      ffnDown(device, "ffn_down", kernel_code::ffnDown(tile), {kUniform, kTexel, kTexel, kStorage},
              ConstantsOf{shape}.ffnDown()),
      logits(device, "logits", kernel_code::logits(tile), {kUniform, kTexel, kTexel, kTexel, kStorage},
             ConstantsOf{shape}.logits()) {}

}  // namespace headroom::engine
