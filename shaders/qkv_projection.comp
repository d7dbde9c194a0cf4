// Stage QkvProjection: norm, the Q, K and V projections (rows of one matrix, Q then K then V), RoPE on Q and K for
// adjacent pairs, and the append of K and V to the cache. With STORES, where head_norm does the rest, the rows as they
// are. Where parts of Q, K and V are stored otherwise each is a matrix and a dispatch of its own.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 10
#define PAIRS_ADJACENT
#define BEHIND_NORM
#include "projection.glsl"
#include "normalised_input.glsl"
#include "kv_type.glsl"

layout(constant_id = 5) const uint QUERY_HEADS = 1;
layout(constant_id = 6) const uint KV_HEADS = 1;
layout(constant_id = 7) const uint HEAD_DIM = 8;
layout(constant_id = 8) const uint ROPE_DIM = 8;
layout(constant_id = 9) const uint CONTEXT = 1;

layout(constant_id = 10) const uint STORES = 0;
layout(constant_id = 11) const uint FIRST_ROW = 0;  // of this matrix among all rows; even

layout(binding = 6) uniform textureBuffer rope;                             // [position][ROPE_DIM / 2] cos, sin
layout(std430, binding = 7) writeonly buffer Query { float query[]; };      // [token][QUERY_HEADS][HEAD_DIM] or all rows
layout(std430, binding = 8) writeonly buffer Keys { KV_ELEMENT keys[]; };   // [sequence][KV_HEADS][CONTEXT][HEAD_DIM]
layout(std430, binding = 9) writeonly buffer Values { KV_ELEMENT values[]; };

const uint QUERY_ROWS = QUERY_HEADS * HEAD_DIM;
const uint KV_ROWS = KV_HEADS * HEAD_DIM;

void emit(uint matrixRow, uint token, float value, float partner) {
  const uint row = FIRST_ROW + matrixRow;
  if (STORES != 0) {
    COUNT(ACTIVATIONS_WRITTEN, 4);
    query[token * (QUERY_ROWS + 2 * KV_ROWS) + row] = value;
    return;
  }
  const uvec4 params = step.tokens[token];
  const uint element = row % HEAD_DIM;
  if (row < QUERY_ROWS + KV_ROWS && element < ROPE_DIM) {
    COUNT(WEIGHTS_READ, 8);
    const vec2 turn = texelFetch(rope, int(params.y * (ROPE_DIM / 2) + element / 2)).xy;
    value = value * turn.x + ((element & 1) == 0 ? -partner : partner) * turn.y;
  }
  if (row < QUERY_ROWS) {
    COUNT(ACTIVATIONS_WRITTEN, 4);
    query[token * QUERY_ROWS + row] = value;
    return;
  }
  const bool isKey = row < QUERY_ROWS + KV_ROWS;
  const uint kvRow = row - QUERY_ROWS - (isKey ? 0 : KV_ROWS);
  const uint index = ((params.z * KV_HEADS + kvRow / HEAD_DIM) * CONTEXT + params.y) * HEAD_DIM + element;
  COUNT(KV_WRITTEN, KV_BYTES);
  if (isKey) {
    keys[index] = KV_ELEMENT(value);
  } else {
    values[index] = KV_ELEMENT(value);
  }
}
