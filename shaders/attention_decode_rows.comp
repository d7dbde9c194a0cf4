// Stage AttentionDecode of the rows family for heads of no whole octets, which attention_decode_octets.comp cannot
// take: the algorithm of attention_decode.comp for whole workgroups. Keys, then values, of TILE positions at a time are
// loaded once into shared memory and used by all GROUP query heads. Invocations take (key, head) pairs while scoring
// and (head, element) pairs while summing values.
// Workgroups: (query heads / GROUP, CHUNKS, tokens). Any subgroup size.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 8
#define FAMILY_ROWS
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;
#include "attention_interface.glsl"
layout(constant_id = 9) const uint TILE = 32;  // a multiple of 8

const uint INVOCATIONS = gl_WorkGroupSize.x;
const uint STRIDE4 = HEAD_DIM4 + 1;  // neighbouring keys in different banks
const uint OUTPUTS = (GROUP * HEAD_DIM4 + INVOCATIONS - 1) / INVOCATIONS;  // texels of the result per invocation

shared vec4 tile[TILE * STRIDE4];
shared vec4 q[GROUP * HEAD_DIM4];
shared float scores[GROUP * TILE];
shared float highest[GROUP];
shared float weightSum[GROUP];
shared float correction[GROUP];

void main() {
  const uint self = gl_LocalInvocationID.x;
  const uint firstHead = gl_WorkGroupID.x * GROUP;
  const uint chunk = gl_WorkGroupID.y;
  const uint token = gl_WorkGroupID.z;
  const uint sequence = step.tokens[token].z;
  const uint length = step.tokens[token].y + 1;
  const uint begin = chunkBegin(chunk, length);
  const uint end = chunkBegin(chunk + 1, length);
  const uint base = (sequence * KV_HEADS + firstHead / HEADS_PER_KV) * CONTEXT * HEAD_DIM4;
  const uint seen = firstSeen(length);
  const uint captureRow = step.tokens[token].w;
  const bool captures = captureRow != NO_SLOT && layerSlot() != NO_SLOT;
  if (begin >= end) {
    for (uint head = self; head < GROUP; head += INVOCATIONS) {
      storeExtent(token, chunk, firstHead + head, captureRow, captures, vec2(NEGATIVE_INFINITY, 0.0));
    }
    return;
  }

  for (uint i = self; i < GROUP * HEAD_DIM4; i += INVOCATIONS) {
    q[i] = loadQuery((token * QUERY_HEADS + firstHead) * HEAD_DIM4 + i) * SCALE;
  }
  for (uint head = self; head < GROUP; head += INVOCATIONS) {
    highest[head] = NEGATIVE_INFINITY;
    weightSum[head] = 0.0;
  }
  vec4 mixed[OUTPUTS];
  [[unroll]] for (uint i = 0; i < OUTPUTS; ++i) mixed[i] = vec4(0.0);

  for (uint first = begin; first < end; first += TILE) {
    const uint count = min(TILE, end - first);
    barrier();
    for (uint i = self; i < count * HEAD_DIM4; i += INVOCATIONS) {
      vec4 key = vec4(0.0);
      if (first + i / HEAD_DIM4 >= seen) key = loadKey(base + first * HEAD_DIM4 + i);
      tile[i / HEAD_DIM4 * STRIDE4 + i % HEAD_DIM4] = key;
    }
    barrier();
    for (uint pair = self; pair < GROUP * TILE; pair += INVOCATIONS) {
      const uint key = pair % TILE;
      float score = NEGATIVE_INFINITY;
      if (key < count && first + key >= seen) {
        score = 0.0;
        for (uint i = 0; i < HEAD_DIM4; ++i) score += dot(q[pair / TILE * HEAD_DIM4 + i], tile[key * STRIDE4 + i]);
        score = softCapped(score, SOFT_CAP);
      }
      scores[pair] = score;
    }
    barrier();

    if (captures) {
      const uint cells = step.capturePooling == 1 ? count : (count + 7) / 8;
      for (uint i = self; i < GROUP * cells; i += INVOCATIONS) {
        const uint slot = headSlot(firstHead + i / cells);
        if (slot == NO_SLOT || (step.capturePooling == 1 && first + i % cells < seen)) continue;
        const uint from = i / cells * TILE + i % cells * step.capturePooling;
        float value = scores[from];
        for (uint k = 1; k < step.capturePooling; ++k) value = max(value, scores[from + k]);
        capture(slot, captureRow, first / step.capturePooling + i % cells, value);
      }
      barrier();
    }
    for (uint head = gl_SubgroupID; head < GROUP; head += gl_NumSubgroups) {
      float here = NEGATIVE_INFINITY;
      for (uint key = gl_SubgroupInvocationID; key < TILE; key += gl_SubgroupSize) {
        here = max(here, scores[head * TILE + key]);
      }
      const float before = highest[head];
      const float now = max(before, subgroupMax(here));
      float sum = 0.0;
      for (uint key = gl_SubgroupInvocationID; key < TILE; key += gl_SubgroupSize) {
        const float weight = exp(scores[head * TILE + key] - now);
        scores[head * TILE + key] = weight;
        sum += weight;
      }
      sum = subgroupAdd(sum);
      if (subgroupElect()) {
        correction[head] = exp(before - now);
        highest[head] = now;
        weightSum[head] = weightSum[head] * correction[head] + sum;
      }
    }
    for (uint i = self; i < count * HEAD_DIM4; i += INVOCATIONS) {
      vec4 value = vec4(0.0);
      if (first + i / HEAD_DIM4 >= seen) value = loadValue(base + first * HEAD_DIM4 + i);
      tile[i / HEAD_DIM4 * STRIDE4 + i % HEAD_DIM4] = value;
    }
    barrier();
    [[unroll]] for (uint n = 0; n < OUTPUTS; ++n) {
      const uint output4 = n * INVOCATIONS + self;
      if (output4 < GROUP * HEAD_DIM4) {
        const uint head = output4 / HEAD_DIM4;
        vec4 sum = mixed[n] * correction[head];
        for (uint key = 0; key < count; ++key) {
          sum += scores[head * TILE + key] * tile[key * STRIDE4 + output4 % HEAD_DIM4];
        }
        mixed[n] = sum;
      }
    }
  }

  barrier();
  const uint firstResult = (token * CHUNKS + chunk) * QUERY_HEADS + firstHead;
  for (uint head = self; head < GROUP; head += INVOCATIONS) {
    storeExtent(token, chunk, firstHead + head, captureRow, captures, vec2(highest[head], weightSum[head]));
  }
  [[unroll]] for (uint n = 0; n < OUTPUTS; ++n) {
    const uint output4 = n * INVOCATIONS + self;
    if (output4 < GROUP * HEAD_DIM4) {
      COUNT(ACTIVATIONS_WRITTEN, 16);
      partial[firstResult * HEAD_DIM4 + output4] = mixed[n];
    }
  }
}
