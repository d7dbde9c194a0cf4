#pragma once

#include <string_view>

namespace headroom::model {

/// The stages of one step, in the order in which every decoder runs them. Embedding and Logits run once, the
/// others once per layer.
enum class Stage {
  Embedding,
  QkvProjection,    ///< RMSNorm, Q, K and V projections, RoPE, append to the KV cache
  AttentionDecode,  ///< scores, online softmax, weighted values; partial per context chunk
  AttentionOutput,  ///< merge of the partials, W_O, residual
  FfnGateUp,        ///< RMSNorm, gate and up projections, SwiGLU
  FfnDown,          ///< down projection, residual
  Logits,           ///< final RMSNorm, output projection
};
inline constexpr int kStageCount = 7;

/// "attention_decode": the name in records, JSON and panels.
std::string_view stageName(Stage stage);

}  // namespace headroom::model
