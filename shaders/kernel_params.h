// Shared by the kernels (GLSL) and the engine (C++): sizes that both sides must agree on, and the layout of
// what the host tells a step.
#ifndef HEADROOM_KERNEL_PARAMS_H
#define HEADROOM_KERNEL_PARAMS_H

// Invocations of a workgroup; each group is one subgroup or a part of one. A block of rows of the packed
// family has a row for each.
#define HEADROOM_LANES 8
// Tokens that one workgroup of a projection handles at once in a prefill.
#define HEADROOM_TOKEN_TILE 4
// Tokens, and rows of a matrix, that a workgroup of the rows family multiplies where there are many tokens.
#define HEADROOM_PROJECTION_TILE 64
#define HEADROOM_PROJECTION_TILE_INVOCATIONS 256
// Rows of a matrix that a workgroup multiplies with as many tokens as above where there are cooperative matrices.
#define HEADROOM_MATRIX_TILE_ROWS 128
// Rows (a token and a query head) and keys of a block of attention where there are many tokens.
#define HEADROOM_QUERY_TILE 64
#define HEADROOM_QUERY_TILE_INVOCATIONS 256
// Rows that a subgroup of the rows family computes at once; even, for pairs of rows stay together.
#define HEADROOM_SUBGROUP_ROWS 2
// Texels of four elements of its input that a workgroup of the rows family holds at once, behind a norm.
#define HEADROOM_INPUT_TILE4 1024
// Runs of a row (weight_runs.glsl) for each invocation of a workgroup, from which on its subgroups share the row: on an
// H200 sharing rows of 7 runs of F16 was 4 % faster, of 2 runs 3 % slower.
#define HEADROOM_RUNS_TO_SHARE 4
// Specialization constants that many kernels have; others are numbered from 0 in the order in which
// StepKernels gives them. Of a norm that it is a LayerNorm, of a residual that it is stored; row terms;
// blocks of rows per workgroup of the packed family; invocations of a workgroup; rows and columns of a
// cooperative matrix; subgroups of a workgroup.
#define HEADROOM_VARIANT_CONSTANT 13
#define HEADROOM_TERMS_CONSTANT 14
#define HEADROOM_ROW_BLOCKS_CONSTANT 15
#define HEADROOM_INVOCATIONS_CONSTANT 16
#define HEADROOM_MATRIX_SIDE_CONSTANT 21
#define HEADROOM_SUBGROUPS_CONSTANT 22
// Invocations of a workgroup of the kernels that copy or merge one element each.
#define HEADROOM_COPY_ROWS_INVOCATIONS 64
#define HEADROOM_FMA_INVOCATIONS 64
// Classes of traffic that the audit build counts; the order is that of audit.glsl and model::Traffic.
#define HEADROOM_TRAFFIC_CLASSES 6
// Query heads of a KV group up to which attention_decode is unrolled; beyond, a build with loops is used.
#define HEADROOM_UNROLLED_GROUP 16
// Tokens of one step at most: a block of a prompt. Of these, where each attends by itself or has logits.
#define HEADROOM_MAX_TOKENS 256
#define HEADROOM_MAX_SINGLE_TOKENS 64
// Most likely tokens of a row that a summary of its logits holds at most.
#define HEADROOM_MOST_TOP 64
// Words of such a summary: flag of a value that is not finite, log-sum-exp, entropy, log-probability of the
// target, then token and logit of each most likely one.
#define HEADROOM_SUMMARY_WORDS (4 + 2 * HEADROOM_MOST_TOP)
// Texels of four elements of a head at most.
#define HEADROOM_MAX_HEAD_TEXELS 64
#define HEADROOM_COPY_INVOCATIONS 256
#define HEADROOM_COPY_ROW 32768
#define HEADROOM_READ_INVOCATIONS 256
#define HEADROOM_READ_UNROLL 4
#define HEADROOM_MAX_LAYERS 256
#define HEADROOM_MAX_QUERY_HEADS 256

#ifdef __cplusplus
#include <cstdint>

namespace headroom::engine {

inline constexpr std::uint32_t kNoSlot = 0xFFFFFFFFu;

/// One row of a step: a token at a position of a sequence.
struct TokenParams {
  std::uint32_t token = 0;
  std::uint32_t position = 0;
  std::uint32_t sequence = 0;
  std::uint32_t captureRow = kNoSlot;  ///< its index among the rows that are captured, or kNoSlot
};

/// The uniform buffer of a step, std140.
struct StepParams {
  std::uint32_t tokenCount = 0;
  std::uint32_t logitsCount = 0;     ///< rows whose logits are wanted
  std::uint32_t captureRows = 0;     ///< rows of captured attention in this step
  std::uint32_t captureStride = 0;   ///< floats per captured row
  std::uint32_t capturePooling = 1;  ///< keys per captured value: 1, or HEADROOM_LANES
  std::uint32_t topCount = 0;        ///< most likely tokens in the summary of each row's logits
  std::uint32_t captureBase = 0;     ///< where captured values besides scores begin, in floats
  std::uint32_t unused = 0;
  std::uint32_t layerSlots[HEADROOM_MAX_LAYERS] = {};  ///< first slot of a layer's captured heads, or kNoSlot
  std::uint32_t headSlots[HEADROOM_MAX_QUERY_HEADS] =
      {};  ///< a head's slot behind its layer's first, or kNoSlot
  TokenParams tokens[HEADROOM_MAX_TOKENS] = {};
  std::uint32_t logitsRows[HEADROOM_MAX_TOKENS] = {};  ///< rows whose logits are wanted
  std::uint32_t targets[HEADROOM_MAX_TOKENS] = {};     ///< the token each of those is asked about, or kNoSlot
};
static_assert(sizeof(StepParams) ==
              32 + 4 * HEADROOM_MAX_LAYERS + 4 * HEADROOM_MAX_QUERY_HEADS + 24 * HEADROOM_MAX_TOKENS);

/// Push constant of the kernels that copy captured values.
struct CaptureRowsParams {
  std::uint32_t columns = 0;
  std::uint32_t stride = 0;         ///< values per token of the source
  std::uint32_t columnsBefore = 0;  ///< of all places before this one, each a multiple of 4
  std::uint32_t window = 0;         ///< of head outputs: positions that the layer sees at most; 0: all
};

/// Push constant of probe_read.
struct ReadProbeParams {
  std::uint32_t first = 0;   ///< block of HEADROOM_READ_INVOCATIONS x HEADROOM_READ_UNROLL x 16 bytes
  std::uint32_t blocks = 0;  ///< that are read
  std::uint32_t passes = 1;  ///< how often
};

/// Push constant of probe_copy.
struct CopyProbeParams {
  std::uint32_t count = 0;  ///< of 16 bytes each
};

/// Push constant of intervene.
struct InterveneParams {
  std::uint32_t firstEntry = 0;  ///< word of the table where the layer's heads begin
  std::uint32_t window = 0;      ///< positions that the layer sees at most; 0: all
};

/// Push constant of attention_decode and attention_merge.
struct AttentionDecodeParams {
  std::uint32_t layer = 0;
  std::uint32_t window = 0;  ///< positions that the layer sees at most; 0: all
  std::uint32_t texts = 1;   ///< of attention by query tiles: row i of the step is of text i % texts
  std::uint32_t merges = 0;  ///< of attention by octets: 1 where the last workgroup of a head merges its chunks
};

}  // namespace headroom::engine
#endif

#endif
