// Stage AttentionDecode: for GROUP query heads that share one KV head, over one chunk of the context: scores,
// online softmax and weighted values. Each K and V element of the chunk is loaded once for the whole group.
// Partial results per chunk are merged by attention_output (flash-decoding; online softmax: Milakov and Gimelshein
// 2018, arXiv 1805.02867). The `naive` variant is the same kernel with GROUP = 1: every query head reloads K and V.
//
// Lanes are keys while scoring (8 keys at a time) and slices of head_dim while summing values. Lanes past the last key
// or past head_dim load nothing, so that the bytes issued are exactly the cache's.
// Captured scores are those before softmax; captured with pooling, a value is the largest score of 8 keys.
// Workgroups: (query heads / GROUP, CHUNKS, tokens).
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 8
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x = HEADROOM_LANES) in;
#include "attention_interface.glsl"

// A group of many heads stays a loop: unrolled, its code grows beyond what compilers take in reasonable time.
#ifdef LARGE_GROUP
#define FOR_GROUP [[dont_unroll]]
#else
#define FOR_GROUP [[unroll]]
#endif

const uint SLICES = (HEAD_DIM4 + 7) / 8;  // texels of a head vector per lane
const bool LANES_FIT = HEAD_DIM4 % 8 == 0;
#define NEGATIVE_INFINITY uintBitsToFloat(0xFF800000u)

vec4 q[GROUP][SLICES];
vec4 mixed[GROUP][SLICES];
float score[GROUP];
float highest[GROUP];  // the same on all lanes
float weightSum[GROUP];  // this lane's share

#define SCORE_LANE(k)                                                                                         \
  if (slice * 8 + k < HEAD_DIM4) {                                                                            \
    vec4 key = vec4(0.0);                                                                                     \
    if (valid) key = loadKey(keyTexel + slice * 8 + k);                                                       \
    FOR_GROUP for (uint g = 0; g < GROUP; ++g) score[g] += dot(subgroupShuffle(q[g][slice], k), key);        \
  }

#define MIX_KEY(k)                                                                                            \
  [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {                                                  \
    vec4 value = vec4(0.0);                                                                                   \
    if (first + k >= seen && first + k < end && (LANES_FIT || slice * 8 + lane < HEAD_DIM4)) {                                     \
      value = loadValue(base + (first + k) * HEAD_DIM4 + slice * 8 + lane);                                   \
    }                                                                                                         \
    FOR_GROUP for (uint g = 0; g < GROUP; ++g) mixed[g][slice] += subgroupShuffle(score[g], k) * value;      \
  }

float maxLanes(float x) {
  return max(max(max(subgroupShuffle(x, 0), subgroupShuffle(x, 1)), max(subgroupShuffle(x, 2), subgroupShuffle(x, 3))),
             max(max(subgroupShuffle(x, 4), subgroupShuffle(x, 5)), max(subgroupShuffle(x, 6), subgroupShuffle(x, 7))));
}

float sumLanes(float x) {
  return subgroupShuffle(x, 0) + subgroupShuffle(x, 1) + subgroupShuffle(x, 2) + subgroupShuffle(x, 3) +
         subgroupShuffle(x, 4) + subgroupShuffle(x, 5) + subgroupShuffle(x, 6) + subgroupShuffle(x, 7);
}

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint firstHead = gl_WorkGroupID.x * GROUP;
  const uint chunk = gl_WorkGroupID.y;
  const uint token = gl_WorkGroupID.z;
  const uint position = step.tokens[token].y;
  const uint sequence = step.tokens[token].z;
  const uint length = position + 1;
  const uint begin = chunkBegin(chunk, length);
  const uint end = chunkBegin(chunk + 1, length);
  const uint base = (sequence * KV_HEADS + firstHead / HEADS_PER_KV) * CONTEXT * HEAD_DIM4;
  const uint seen = firstSeen(length);
  const uint captureRow = step.tokens[token].w;
  const bool captures = captureRow != NO_SLOT && layerSlot() != NO_SLOT;

  FOR_GROUP for (uint g = 0; g < GROUP; ++g) {
    highest[g] = NEGATIVE_INFINITY;
    weightSum[g] = 0.0;
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {
      const uint texel = (token * QUERY_HEADS + firstHead + g) * HEAD_DIM4 + min(slice * 8 + lane, HEAD_DIM4 - 1);
      q[g][slice] = loadQuery(texel) * SCALE;
      mixed[g][slice] = vec4(0.0);
    }
  }

  for (uint first = begin; first < end; first += 8) {
    const bool valid = first + lane >= seen && first + lane < end;
    const uint keyTexel = base + (first + lane) * HEAD_DIM4;
    FOR_GROUP for (uint g = 0; g < GROUP; ++g) score[g] = 0.0;
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {
      SCORE_LANE(0)
      SCORE_LANE(1)
      SCORE_LANE(2)
      SCORE_LANE(3)
      SCORE_LANE(4)
      SCORE_LANE(5)
      SCORE_LANE(6)
      SCORE_LANE(7)
    }
    FOR_GROUP for (uint g = 0; g < GROUP; ++g) {
      score[g] = softCapped(score[g], SOFT_CAP);
      const float masked = valid ? score[g] : NEGATIVE_INFINITY;
      const float highestHere = maxLanes(masked);
      const float newHighest = max(highest[g], highestHere);
      const uint slot = headSlot(firstHead + g);
      if (captures && slot != NO_SLOT) {
        if (step.capturePooling == 1) {
          if (valid) capture(slot, captureRow, first + lane, score[g]);
        } else if (lane == 0) {
          capture(slot, captureRow, first / 8, highestHere);
        }
      }
      const float correction = exp(highest[g] - newHighest);
      score[g] = exp(masked - newHighest);
      weightSum[g] = weightSum[g] * correction + score[g];
      highest[g] = newHighest;
      [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) mixed[g][slice] *= correction;
    }
    MIX_KEY(0)
    MIX_KEY(1)
    MIX_KEY(2)
    MIX_KEY(3)
    MIX_KEY(4)
    MIX_KEY(5)
    MIX_KEY(6)
    MIX_KEY(7)
  }

  FOR_GROUP for (uint g = 0; g < GROUP; ++g) {
    const uint head = (token * CHUNKS + chunk) * QUERY_HEADS + firstHead + g;
    const float sum = sumLanes(weightSum[g]);
    if (lane == 0) {
      COUNT(ACTIVATIONS_WRITTEN, 8);
      extent[head] = vec2(highest[g], sum);
      const uint slot = headSlot(firstHead + g);
      if (captures && slot != NO_SLOT) captureExtent(slot, captureRow, chunk, vec2(highest[g], sum));
    }
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {
      if (slice * 8 + lane < HEAD_DIM4) {
        COUNT(ACTIVATIONS_WRITTEN, 16);
        partial[head * HEAD_DIM4 + slice * 8 + lane] = mixed[g][slice];
      }
    }
  }
}
