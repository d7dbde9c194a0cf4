#include "core/engine/kernel_code.h"

#include "shaders/kernel_params.h"

namespace headroom::engine::kernel_code {

namespace {
constexpr std::uint32_t kEmbedding[] = {
#include "embedding.spv.inc"
};
constexpr std::uint32_t kQkvProjectionOneF32[] = {
#include "qkv_projection_1_f32.spv.inc"
};
constexpr std::uint32_t kQkvProjectionOneF16[] = {
#include "qkv_projection_1_f16.spv.inc"
};
constexpr std::uint32_t kQkvProjectionSeveralF32[] = {
#include "qkv_projection_4_f32.spv.inc"
};
constexpr std::uint32_t kQkvProjectionSeveralF16[] = {
#include "qkv_projection_4_f16.spv.inc"
};
constexpr std::uint32_t kAttentionDecode[] = {
#include "attention_decode.spv.inc"
};
constexpr std::uint32_t kAttentionDecodeLargeGroup[] = {
#include "attention_decode_large_group.spv.inc"
};
constexpr std::uint32_t kAttentionOutputOne[] = {
#include "attention_output_1.spv.inc"
};
constexpr std::uint32_t kAttentionOutputSeveral[] = {
#include "attention_output_4.spv.inc"
};
constexpr std::uint32_t kFfnGateUpOne[] = {
#include "ffn_gate_up_1.spv.inc"
};
constexpr std::uint32_t kFfnGateUpSeveral[] = {
#include "ffn_gate_up_4.spv.inc"
};
constexpr std::uint32_t kFfnDownOne[] = {
#include "ffn_down_1.spv.inc"
};
constexpr std::uint32_t kFfnDownSeveral[] = {
#include "ffn_down_4.spv.inc"
};
constexpr std::uint32_t kLogitsOne[] = {
#include "logits_1.spv.inc"
};
constexpr std::uint32_t kLogitsSeveral[] = {
#include "logits_4.spv.inc"
};

using Words = std::span<const std::uint32_t>;
Words pick(TokenTile tile, Words one, Words several) {
  return tile == TokenTile::One ? one : several;
}
}  // namespace

Words embedding() {
  return kEmbedding;
}

Words qkvProjection(TokenTile tile, model::KvType kvType) {
  return kvType == model::KvType::F32 ? pick(tile, kQkvProjectionOneF32, kQkvProjectionSeveralF32)
                                      : pick(tile, kQkvProjectionOneF16, kQkvProjectionSeveralF16);
}

Words attentionDecode(int groupHeads) {
  if (groupHeads > HEADROOM_UNROLLED_GROUP) return kAttentionDecodeLargeGroup;
  return kAttentionDecode;
}

Words attentionOutput(TokenTile tile) {
  return pick(tile, kAttentionOutputOne, kAttentionOutputSeveral);
}
Words ffnGateUp(TokenTile tile) {
  return pick(tile, kFfnGateUpOne, kFfnGateUpSeveral);
}
Words ffnDown(TokenTile tile) {
  return pick(tile, kFfnDownOne, kFfnDownSeveral);
}
Words logits(TokenTile tile) {
  return pick(tile, kLogitsOne, kLogitsSeveral);
}

}  // namespace headroom::engine::kernel_code
