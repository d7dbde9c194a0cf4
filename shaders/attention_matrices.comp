// Stage AttentionDecode of the rows family with cooperative matrices, over an f16 cache: a workgroup takes up to ROWS
// rows, each a token and one of the GROUP query heads that share its KV head, and multiplies them with blocks of keys
// and values that it loads once for all, into registers while the block before is worked on (FlashAttention-2: Dao
// 2023, arXiv 2307.08691). With TILES_QUERIES rows are those of many tokens of a text, and there is one chunk; without,
// the heads of one token, and a chunk of its keys.
// Keys and values are halves as they lie in the cache; queries and weights go as two halves each, so that results are
// as exact as those in floats: see split_halves.glsl, here with the low parts as they are. For halves end at 6e-8 and
// at 65504, queries are multiplied by kQueryScale, weights by kWeightScale.
// Captured scores are those before softmax; captured with pooling, a value is the largest score of 8 keys.
// Workgroups: (query heads / GROUP, rows of a text / ROWS or CHUNKS, texts or tokens). All subgroups are full.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define AUDIT_BINDING 8
#define FAMILY_ROWS
#define KV_F16
#define BY_OCTETS
#define APART
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;
#include "attention_interface.glsl"
#include "split_halves.glsl"
layout(constant_id = 9) const uint WORKGROUPS_PER_KV = 1;
layout(constant_id = 12) const uint ROWS = 16;  // a multiple of SIDE, and a power of two
layout(constant_id = 17) const uint KEYS = 32;  // of a block; a multiple of 8 and of SIDE
layout(constant_id = 18) const uint TILES_QUERIES = 0;
// Rows, columns and depth of a cooperative matrix, which is of a subgroup; subgroups of the workgroup, a power of two.
layout(constant_id = HEADROOM_MATRIX_SIDE_CONSTANT) const uint SIDE = 16;
layout(constant_id = HEADROOM_SUBGROUPS_CONSTANT) const uint SUBGROUPS = 4;

const uint INVOCATIONS = gl_WorkGroupSize.x;
const uint OCTETS = HEAD_DIM4 / 2;
const uint LOADS = (KEYS * OCTETS + INVOCATIONS - 1) / INVOCATIONS;  // of keys, and of values, by an invocation
const uint STRIDE4 = HEAD_DIM4 + 2;     // texels of halves from one key, value or query in shared memory to the next
const uint WEIGHT_STRIDE4 = KEYS / 4 + 2;  // likewise of a row's weights
const uint SCORE_STRIDE4 = KEYS / 4 + 1;   // texels of floats from one row's scores to the next
const uint DEPTH = HEAD_DIM4 * 4 / SIDE;   // matrices of a head
const uint ROW_TILES = ROWS / SIDE;
const uint KEY_TILES = KEYS / SIDE;
// Scores: a subgroup has one tile of rows, and every KEY_WAYS-th of keys.
const uint KEY_WAYS = SUBGROUPS / ROW_TILES;
const uint OWN_KEY_TILES = (KEY_TILES + KEY_WAYS - 1) / KEY_WAYS;
// Results: every COLUMN_WAYS-th tile of a head's columns, and of these every ROW_WAYS-th of rows.
const uint ROW_WAYS = DEPTH >= SUBGROUPS                  ? 1
                      : SUBGROUPS / DEPTH < ROW_TILES ? SUBGROUPS / DEPTH
                                                      : ROW_TILES;
const uint COLUMN_WAYS = SUBGROUPS / ROW_WAYS;
const uint OWN_COLUMNS = (DEPTH + COLUMN_WAYS - 1) / COLUMN_WAYS;
const uint OWN_ROWS = (ROW_TILES + ROW_WAYS - 1) / ROW_WAYS;
const uint LANES = INVOCATIONS / ROWS;  // invocations that look through a row's scores; of one subgroup
const uint OWN_QUADS = (KEYS / 4 + LANES - 1) / LANES;
// Below every score, and yet a number: the difference of two of them is 0.
const float kNothing = -1e30;
const float kQueryScale = 64.0;
const float kWeightScale = 16384.0;

// Keys of a block, once scores are there weights of its rows, high parts before low ones; behind them values. Before
// the first block queries, at the end results.
const uint KEYS4 = KEYS * STRIDE4;
const uint WEIGHTS4 = 2 * ROWS * WEIGHT_STRIDE4;
const uint FIRST_VALUE = KEYS4 > WEIGHTS4 ? KEYS4 : WEIGHTS4;
const uint BLOCK4 = FIRST_VALUE + KEYS4;
const uint QUERIES4 = ROWS * STRIDE4;
const uint RESULTS4 = SUBGROUPS * SIDE * SIDE / 2;
const uint LARGER4 = BLOCK4 > QUERIES4 ? BLOCK4 : QUERIES4;
const uint LARGEST4 = LARGER4 > RESULTS4 ? LARGER4 : RESULTS4;
shared uvec2 pool[LARGEST4];
shared vec4 scores[ROWS * SCORE_STRIDE4];
shared float corrections[ROWS * SIDE];  // of a row, SIDE times
struct Row {
  uint token;       // NO_SLOT: no row
  uint seen, end;   // the keys that it sees
  uint captureRow;  // among the captured ones, or NO_SLOT
};
shared Row rowOf[ROWS];
shared bool grows[2];  // whether a maximum did in this block; by turns

#define LEFT coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA>
#define RIGHT coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB>
#define SUM coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>

uint firstHead, kvHead, headCount;  // of the workgroup
uint firstRow, rowCount, text;      // of its text
uint base, seen, end;               // keys that any row sees

uint headOf(uint row) { return firstHead + (firstRow + row) % headCount; }

uvec4 nextKeys[LOADS];
uvec4 nextValues[LOADS];
void loadNext(uint first) {
  [[unroll]] for (uint i = 0; i < LOADS; ++i) {
    const uint index = gl_LocalInvocationIndex + i * INVOCATIONS;
    const uint key = first + index / OCTETS;
    nextKeys[i] = kNoOctet;
    nextValues[i] = kNoOctet;
    if (index >= KEYS * OCTETS || key < seen || key >= end) continue;
    nextKeys[i] = loadKey((base + key) * OCTETS + index % OCTETS);
    nextValues[i] = loadValue((base + key) * OCTETS + index % OCTETS);
  }
}
void storeNext() {
  [[unroll]] for (uint i = 0; i < LOADS; ++i) {
    const uint index = gl_LocalInvocationIndex + i * INVOCATIONS;
    if (index >= KEYS * OCTETS) break;
    const uint place = index / OCTETS * STRIDE4 + index % OCTETS * 2;
    pool[place] = nextKeys[i].xy;
    pool[place + 1] = nextKeys[i].zw;
    pool[FIRST_VALUE + place] = nextValues[i].xy;
    pool[FIRST_VALUE + place + 1] = nextValues[i].zw;
  }
}

// The high parts of the queries as halves, or the low ones.
void storeQueries(bool low) {
  for (uint i = gl_LocalInvocationIndex; i < ROWS * HEAD_DIM4; i += INVOCATIONS) {
    const uint row = i / HEAD_DIM4;
    uvec2 halves = uvec2(0);
    if (row < rowCount) {
      const vec4 x =
          query[(rowOf[row].token * QUERY_HEADS + headOf(row)) * HEAD_DIM4 + i % HEAD_DIM4] * (SCALE * kQueryScale);
      halves = packHalves(x);
      if (low) {
        halves = packHalves(x - unpackHalves(halves));
      } else {
        COUNT(ACTIVATIONS_READ, 16);
      }
    }
    pool[row * STRIDE4 + i % HEAD_DIM4] = halves;
  }
}

void captureBlock(uint first) {
  const uint cells = KEYS / step.capturePooling;
  for (uint i = gl_LocalInvocationIndex; i < ROWS * cells; i += INVOCATIONS) {
    const uint row = i / cells;
    const Row info = rowOf[row];
    const uint key = first + i % cells * step.capturePooling;
    if (info.captureRow == NO_SLOT || key >= min(info.end, end) || key + step.capturePooling <= info.seen) continue;
    const uint slot = headSlot(headOf(row));
    if (slot == NO_SLOT) continue;
    float value = kNothing;
    for (uint k = key - first; k < key - first + step.capturePooling; ++k) {
      value = max(value, scores[row * SCORE_STRIDE4 + k / 4][k % 4]);
    }
    capture(slot, info.captureRow, key / step.capturePooling, value);
  }
}

void storeRowExtent(uint row, uint chunk, vec2 maximumAndSum) {
  const uint captureRow = rowOf[row].captureRow;
  storeExtent(rowOf[row].token, chunk, headOf(row), captureRow, captureRow != NO_SLOT, maximumAndSum);
}

void findRows() {
  const uint self = gl_LocalInvocationIndex;
  firstHead = gl_WorkGroupID.x * GROUP;
  headCount = GROUP;
  kvHead = firstHead / HEADS_PER_KV;
  text = gl_WorkGroupID.z;
  uint texts = 1;
  if (TILES_QUERIES != 0) {
    texts = params.texts;
    firstRow = gl_WorkGroupID.y * ROWS;
    rowCount = min(ROWS, step.tokenCount / texts * GROUP - firstRow);
  } else {
    kvHead = gl_WorkGroupID.x / WORKGROUPS_PER_KV;
    firstHead = kvHead * HEADS_PER_KV + gl_WorkGroupID.x % WORKGROUPS_PER_KV * GROUP;
    firstRow = 0;
    rowCount = min(GROUP, (kvHead + 1) * HEADS_PER_KV - firstHead);
  }
  const uint firstToken = firstRow / GROUP * texts + text;
  const uint lastToken = (firstRow + rowCount - 1) / GROUP * texts + text;
  base = (step.tokens[firstToken].z * KV_HEADS + kvHead) * CONTEXT;
  seen = firstSeen(step.tokens[firstToken].y + 1);
  end = step.tokens[lastToken].y + 1;
  for (uint row = self; row < ROWS; row += INVOCATIONS) {
    Row info = Row(NO_SLOT, 0, 0, NO_SLOT);
    if (row < rowCount) {
      const uint token = (firstRow + row) / GROUP * texts + text;
      const uint length = step.tokens[token].y + 1;
      const bool captures = step.tokens[token].w != NO_SLOT && layerSlot() != NO_SLOT;
      info = Row(token, firstSeen(length), length, captures ? step.tokens[token].w : NO_SLOT);
    }
    rowOf[row] = info;
  }
  if (self < 2) grows[self] = false;
}

void main() {
  const uint self = gl_LocalInvocationIndex;
  findRows();
  const uint chunk = TILES_QUERIES != 0 ? 0 : gl_WorkGroupID.y;
  const uint begin = TILES_QUERIES != 0 ? seen & ~7u : chunkBegin(chunk, end);
  if (TILES_QUERIES == 0) end = chunkBegin(chunk + 1, end);
  barrier();
  if (begin >= end) {
    for (uint row = self; row < rowCount; row += INVOCATIONS) {
      storeRowExtent(row, chunk, vec2(NEGATIVE_INFINITY, 0.0));
    }
    return;
  }
  loadNext(begin);

  const uint scoredRow = gl_SubgroupID % ROW_TILES * SIDE;
  const uint firstKeyTile = gl_SubgroupID / ROW_TILES;
  LEFT queries[2 * DEPTH];
  [[unroll]] for (uint part = 0; part < 2; ++part) {
    storeQueries(part != 0);
    barrier();
    [[unroll]] for (uint k = 0; k < DEPTH; ++k) {
      coopMatLoad(queries[part * DEPTH + k], pool, scoredRow * STRIDE4 + k * (SIDE / 4), STRIDE4,
                  gl_CooperativeMatrixLayoutRowMajor);
    }
    barrier();
  }

  const uint firstRowTile = gl_SubgroupID % ROW_WAYS;
  const uint firstColumn = gl_SubgroupID / ROW_WAYS;
  SUM mixed[OWN_ROWS * OWN_COLUMNS];
  [[unroll]] for (uint i = 0; i < OWN_ROWS * OWN_COLUMNS; ++i) mixed[i] = SUM(0.0);
  const uint row = self / LANES;  // whose scores this invocation looks through
  const uint lane = self % LANES;
  float highest = kNothing;
  float weightSum = 0.0;  // of this lane's keys
  uint turn = 0;
  for (uint first = begin; first < end; first += KEYS, turn ^= 1) {
    storeNext();
    barrier();
    if (first + KEYS < end) loadNext(first + KEYS);
    [[unroll]] for (uint i = 0; i < OWN_KEY_TILES; ++i) {
      const uint keyTile = firstKeyTile + i * KEY_WAYS;
      if (keyTile >= KEY_TILES) break;
      SUM sum = SUM(0.0);
      [[unroll]] for (uint k = 0; k < DEPTH; ++k) {
        RIGHT keyPart;
        coopMatLoad(keyPart, pool, keyTile * SIDE * STRIDE4 + k * (SIDE / 4), STRIDE4,
                    gl_CooperativeMatrixLayoutColumnMajor);
        sum = coopMatMulAdd(queries[k], keyPart, sum);
        sum = coopMatMulAdd(queries[DEPTH + k], keyPart, sum);
      }
      coopMatStore(sum, scores, scoredRow * SCORE_STRIDE4 + keyTile * (SIDE / 4), SCORE_STRIDE4,
                   gl_CooperativeMatrixLayoutRowMajor);
    }
    barrier();

    const Row info = rowOf[row];
    vec4 own[OWN_QUADS];
    float here = kNothing;
    [[unroll]] for (uint i = 0; i < OWN_QUADS; ++i) {
      own[i] = vec4(kNothing);
      const uint quad = lane + i * LANES;
      if (quad >= KEYS / 4 || info.token == NO_SLOT) continue;
      const uint place = row * SCORE_STRIDE4 + quad;
      [[unroll]] for (uint k = 0; k < 4; ++k) {
        const uint key = first + quad * 4 + k;
        const bool isSeen = key >= info.seen && key < info.end && key < end;
        own[i][k] = isSeen ? softCapped(scores[place][k] * (1.0 / kQueryScale), SOFT_CAP) : kNothing;
        here = max(here, own[i][k]);
      }
      scores[place] = own[i];
    }
    if (layerSlot() != NO_SLOT) {
      barrier();
      captureBlock(first);
    }
    for (uint offset = 1; offset < LANES; offset *= 2) here = max(here, subgroupShuffleXor(here, offset));
    const float now = max(highest, here);
    const float correction = exp(highest - now);
    if (now > highest) grows[turn] = true;
    if (self == 0) grows[turn ^ 1] = false;
    highest = now;
    float sum = 0.0;
    [[unroll]] for (uint i = 0; i < OWN_QUADS; ++i) {
      const uint quad = lane + i * LANES;
      if (quad >= KEYS / 4) continue;
      const vec4 weights = mix(vec4(0.0), exp(own[i] - now), greaterThan(own[i], vec4(0.5 * kNothing)));
      sum += weights.x + weights.y + weights.z + weights.w;
      const uvec2 high = packHalves(weights * kWeightScale);
      const uint place = row * WEIGHT_STRIDE4 + quad;
      pool[place] = high;
      pool[ROWS * WEIGHT_STRIDE4 + place] = packHalves(weights * kWeightScale - unpackHalves(high));
    }
    weightSum = weightSum * correction + sum;
    for (uint i = lane; i < SIDE; i += LANES) corrections[row * SIDE + i] = correction;
    barrier();

    if (grows[turn]) {
      [[unroll]] for (uint r = 0; r < OWN_ROWS; ++r) {
        SUM ofRows;
        const uint rowTile = min(firstRowTile + r * ROW_WAYS, ROW_TILES - 1);
        coopMatLoad(ofRows, corrections, rowTile * SIDE * SIDE, SIDE, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint c = 0; c < OWN_COLUMNS; ++c) {
          mixed[r * OWN_COLUMNS + c] = mixed[r * OWN_COLUMNS + c] * ofRows;
        }
      }
    }
    [[unroll]] for (uint k = 0; k < KEY_TILES; ++k) {
      RIGHT values4[OWN_COLUMNS];
      [[unroll]] for (uint c = 0; c < OWN_COLUMNS; ++c) {
        const uint column = min(firstColumn + c * COLUMN_WAYS, DEPTH - 1);
        coopMatLoad(values4[c], pool, FIRST_VALUE + k * SIDE * STRIDE4 + column * (SIDE / 4), STRIDE4,
                    gl_CooperativeMatrixLayoutRowMajor);
      }
      [[unroll]] for (uint r = 0; r < OWN_ROWS; ++r) {
        const uint rowTile = min(firstRowTile + r * ROW_WAYS, ROW_TILES - 1);
        [[unroll]] for (uint part = 0; part < 2; ++part) {
          LEFT weights;
          coopMatLoad(weights, pool, (part * ROWS + rowTile * SIDE) * WEIGHT_STRIDE4 + k * (SIDE / 4),
                      WEIGHT_STRIDE4, gl_CooperativeMatrixLayoutRowMajor);
          [[unroll]] for (uint c = 0; c < OWN_COLUMNS; ++c) {
            mixed[r * OWN_COLUMNS + c] = coopMatMulAdd(weights, values4[c], mixed[r * OWN_COLUMNS + c]);
          }
        }
      }
    }
    barrier();
  }

  for (uint offset = 1; offset < LANES; offset *= 2) weightSum += subgroupShuffleXor(weightSum, offset);
  const uint scratch = gl_SubgroupID * SIDE * SIDE / 2;
  [[unroll]] for (uint i = 0; i < OWN_ROWS * OWN_COLUMNS; ++i) {
    const uint rowTile = firstRowTile + i / OWN_COLUMNS * ROW_WAYS;
    const uint column = firstColumn + i % OWN_COLUMNS * COLUMN_WAYS;
    barrier();
    coopMatStore(mixed[i] * (1.0 / kWeightScale), pool, scratch, SIDE / 2, gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    if (rowTile >= ROW_TILES || column >= DEPTH) continue;
    for (uint texel = gl_SubgroupInvocationID; texel < SIDE * SIDE / 4; texel += gl_SubgroupSize) {
      const uint ofRow = rowTile * SIDE + texel / (SIDE / 4);
      if (ofRow >= rowCount) continue;
      COUNT(ACTIVATIONS_WRITTEN, 16);
      partial[((rowOf[ofRow].token * CHUNKS + chunk) * QUERY_HEADS + headOf(ofRow)) * HEAD_DIM4 + column * (SIDE / 4) +
              texel % (SIDE / 4)] =
          vec4(uintBitsToFloat(pool[scratch + texel * 2]), uintBitsToFloat(pool[scratch + texel * 2 + 1]));
    }
  }
  if (lane == 0 && row < rowCount) {
    storeRowExtent(row, chunk, vec2(highest, weightSum));
  }
}
