// Stage QkvProjection, second dispatch where query and key heads have a norm of their own: RMSNorm of each head, RoPE
// for adjacent pairs, the append of K and V to the cache.
// Workgroups: (query heads + 2 KV heads, tokens); a head each.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 7
#include "step_params.glsl"
#include "audit.glsl"
#include "kv_type.glsl"

layout(local_size_x = HEADROOM_LANES) in;
layout(constant_id = 0) const uint QUERY_HEADS = 1;
layout(constant_id = 1) const uint KV_HEADS = 1;
layout(constant_id = 2) const uint HEAD_DIM = 8;
layout(constant_id = 3) const uint ROPE_DIM = 8;
layout(constant_id = 4) const uint CONTEXT = 1;
layout(constant_id = 5) const float EPSILON = 1e-5;

layout(binding = 1) uniform textureBuffer projected;  // [token][QUERY_HEADS + 2 KV_HEADS][HEAD_DIM / 2] pairs
layout(binding = 2) uniform textureBuffer gains;      // [2][HEAD_DIM / 2] pairs, of queries and of keys
layout(binding = 3) uniform textureBuffer rope;       // [position][ROPE_DIM / 2] cos, sin
layout(std430, binding = 4) writeonly buffer Query { vec2 query[]; };      // [token][QUERY_HEADS][HEAD_DIM / 2]
layout(std430, binding = 5) writeonly buffer Keys { KV_ELEMENT keys[]; };  // [sequence][KV_HEADS][CONTEXT][HEAD_DIM]
layout(std430, binding = 6) writeonly buffer Values { KV_ELEMENT values[]; };

const uint PAIRS = HEAD_DIM / 2;
const uint TURNS = (PAIRS + HEADROOM_LANES - 1) / HEADROOM_LANES;  // pairs of one lane
shared float squares[HEADROOM_LANES];

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint head = gl_WorkGroupID.x;
  const uint token = gl_WorkGroupID.y;
  const uvec4 params = step.tokens[token];
  const bool isQuery = head < QUERY_HEADS;
  const bool isValue = head >= QUERY_HEADS + KV_HEADS;

  vec2 x[TURNS];
  float sum = 0.0;
  [[unroll]] for (uint turn = 0; turn < TURNS; ++turn) {
    const uint pair = turn * HEADROOM_LANES + lane;
    x[turn] = vec2(0.0);
    if (pair >= PAIRS) continue;
    COUNT(ACTIVATIONS_READ, 8);
    x[turn] = texelFetch(projected, int((token * (QUERY_HEADS + 2 * KV_HEADS) + head) * PAIRS + pair)).xy;
    sum += dot(x[turn], x[turn]);
  }
  squares[lane] = sum;
  barrier();
  float total = 0.0;
  [[unroll]] for (uint i = 0; i < HEADROOM_LANES; ++i) total += squares[i];
  const float scale = inversesqrt(total / float(HEAD_DIM) + EPSILON);

  [[unroll]] for (uint turn = 0; turn < TURNS; ++turn) {
    const uint pair = turn * HEADROOM_LANES + lane;
    if (pair >= PAIRS) continue;
    vec2 value = x[turn];
    if (!isValue) {
      COUNT(WEIGHTS_READ, 8);
      value *= scale * texelFetch(gains, int((isQuery ? 0 : PAIRS) + pair)).xy;
      if (2 * pair < ROPE_DIM) {
        COUNT(WEIGHTS_READ, 8);
        const vec2 turned = texelFetch(rope, int(params.y * (ROPE_DIM / 2) + pair)).xy;
        value = vec2(value.x * turned.x - value.y * turned.y, value.y * turned.x + value.x * turned.y);
      }
    }
    if (isQuery) {
      COUNT(ACTIVATIONS_WRITTEN, 8);
      query[(token * QUERY_HEADS + head) * PAIRS + pair] = value;
      continue;
    }
    const uint kvHead = head - QUERY_HEADS - (isValue ? KV_HEADS : 0);
    const uint index = ((params.z * KV_HEADS + kvHead) * CONTEXT + params.y) * HEAD_DIM + 2 * pair;
    COUNT(KV_WRITTEN, 2 * KV_BYTES);
    if (isValue) {
      values[index] = KV_ELEMENT(value.x);
      values[index + 1] = KV_ELEMENT(value.y);
    } else {
      keys[index] = KV_ELEMENT(value.x);
      keys[index + 1] = KV_ELEMENT(value.y);
    }
  }
}
