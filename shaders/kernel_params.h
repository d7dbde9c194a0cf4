// Shared by the kernels (GLSL) and the engine (C++): sizes that both sides must agree on, and the layout of
// what the host tells a step.
#ifndef HEADROOM_KERNEL_PARAMS_H
#define HEADROOM_KERNEL_PARAMS_H

// Invocations of a workgroup; each group is one subgroup or a part of one.
#define HEADROOM_LANES 8
// Blocks of 8 rows that one workgroup of a projection computes.
#define HEADROOM_ROW_BLOCKS 4
// Tokens that one workgroup of a projection handles at once in a prefill.
#define HEADROOM_TOKEN_TILE 4
// Query heads of a KV group up to which attention_decode is unrolled; beyond, a build with loops is used.
#define HEADROOM_UNROLLED_GROUP 16
// Tokens of one step at most: a prefill block, or the sequences of a batch.
#define HEADROOM_MAX_TOKENS 64
#define HEADROOM_MAX_LAYERS 256
#define HEADROOM_MAX_QUERY_HEADS 256

#ifdef __cplusplus
#include <cstdint>

namespace headroom::engine {

/// One row of a step: a token at a position of a sequence.
struct TokenParams {
  std::uint32_t token = 0;
  std::uint32_t position = 0;
  std::uint32_t sequence = 0;
  std::uint32_t unused = 0;
};

/// The uniform buffer of a step, std140.
struct StepParams {
  std::uint32_t tokenCount = 0;
  std::uint32_t firstLogits = 0;  ///< first row whose logits are wanted
  std::uint32_t unused[2] = {};
  std::uint32_t captureLayers[HEADROOM_MAX_LAYERS / 32] = {};  ///< a bit per layer
  std::uint32_t captureHeads[HEADROOM_MAX_QUERY_HEADS / 32] = {};  ///< a bit per query head
  TokenParams tokens[HEADROOM_MAX_TOKENS] = {};
};
static_assert(sizeof(StepParams) == 16 + HEADROOM_MAX_LAYERS / 8 + HEADROOM_MAX_QUERY_HEADS / 8 + 16 * HEADROOM_MAX_TOKENS);

/// Push constant of attention_decode.
struct AttentionDecodeParams {
  std::uint32_t layer = 0;
};

}  // namespace headroom::engine
#endif

#endif
