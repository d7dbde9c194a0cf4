// Stage QkvProjection: RMSNorm, the Q, K and V projections (rows of one packed matrix, Q then K then V), RoPE on Q
// and K for adjacent pairs, and the append of K and V to the cache.
// Workgroups: (row blocks / ROW_BLOCKS, tokens / TOKENS).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "projection.glsl"
#include "normalised_input.glsl"
#include "kv_type.glsl"

layout(constant_id = 4) const uint QUERY_HEADS = 1;
layout(constant_id = 5) const uint KV_HEADS = 1;
layout(constant_id = 6) const uint HEAD_DIM = 8;
layout(constant_id = 7) const uint ROPE_DIM = 8;
layout(constant_id = 8) const uint CONTEXT = 1;

layout(binding = 4) uniform textureBuffer rope;                             // [position][ROPE_DIM / 2] cos, sin
layout(std430, binding = 5) writeonly buffer Query { float query[]; };      // [token][QUERY_HEADS][HEAD_DIM]
layout(std430, binding = 6) writeonly buffer Keys { KV_ELEMENT keys[]; };   // [sequence][KV_HEADS][CONTEXT][HEAD_DIM]
layout(std430, binding = 7) writeonly buffer Values { KV_ELEMENT values[]; };

const uint QUERY_ROWS = QUERY_HEADS * HEAD_DIM;
const uint KV_ROWS = KV_HEADS * HEAD_DIM;

void main() {
  const uint firstToken = gl_WorkGroupID.y * TOKENS;
  multiply(firstToken);
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    const float scale = inverseRms(n);
    const uint token = firstToken + n;
    const uvec4 params = step.tokens[min(token, step.tokenCount - 1)];
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {
      const uint row = rowOf(r);
      float value = product[r][n] * scale;
      const float partner = subgroupShuffleXor(value, 1);
      const uint element = row % HEAD_DIM;
      if (row < QUERY_ROWS + KV_ROWS && element < ROPE_DIM) {
        const vec2 turn = texelFetch(rope, int(params.y * (ROPE_DIM / 2) + element / 2)).xy;
        value = value * turn.x + ((element & 1) == 0 ? -partner : partner) * turn.y;
      }
      if (token < step.tokenCount && row < ROWS) {
        if (row < QUERY_ROWS) {
          query[token * QUERY_ROWS + row] = value;
        } else {
          const bool isKey = row < QUERY_ROWS + KV_ROWS;
          const uint kvRow = row - QUERY_ROWS - (isKey ? 0 : KV_ROWS);
          const uint index =
              ((params.z * KV_HEADS + kvRow / HEAD_DIM) * CONTEXT + params.y) * HEAD_DIM + element;
          if (isKey) {
            keys[index] = KV_ELEMENT(value);
          } else {
            values[index] = KV_ELEMENT(value);
          }
        }
      }
    }
  }
}
