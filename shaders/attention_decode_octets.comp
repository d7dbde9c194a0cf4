// Stage AttentionDecode of the rows family: keys and values go straight from memory into registers, eight elements at
// a time, and no invocation waits for another until the chunk is done.
//
// LANES invocations of a subgroup share a key, each with the elements of every LANES-th octet; the subgroup takes
// UNROLL * (its size / LANES) keys at once. The queries of HEADS heads that share the KV head lie in registers, so each
// octet is loaded once for all of them. A transposing butterfly of shuffles sums the scores: it halves what a lane
// holds while it adds, so that in the end each score lies in one lane (or, where there are fewer scores than lanes, in
// TWINS of them) and is exponentiated once. What was summed of the values is rescaled only when a maximum grows
// (online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867).
// A group of more than HEADS heads is spread over HEAD_SUBGROUPS subgroups that take the same keys, each of which loads
// them; further heads over further workgroups. The subgroups of different keys are merged at the end.
// Captured scores are those before softmax; captured with pooling, a value is the largest score of 8 keys.
// Where it merges, the workgroup that is the last to finish a chunk of its heads merges all of their chunks: there is
// no dispatch for that then, and what it reads was written a moment ago.
// Workgroups: (KV heads * workgroups per KV head, CHUNKS, tokens). Any subgroup size that is a multiple of LANES.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 10
#define FAMILY_ROWS
#define BY_OCTETS
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;
#include "attention_interface.glsl"
layout(std430, binding = 8) writeonly buffer Attended { vec4 attended[]; };  // [token][ATTENDED_COLUMNS4]
// [token][workgroup of a chunk]: those that are done; 0 between dispatches.
layout(std430, binding = 9) coherent buffer Arrivals { uint arrivals[]; };
layout(constant_id = 9) const uint ATTENDED_COLUMNS4 = 8;
layout(constant_id = 12) const uint LANES = 1;            // a power of two
layout(constant_id = 17) const uint UNROLL = 8;           // a power of two
layout(constant_id = 18) const uint HEADS_CEILED = 1;     // HEADS up to a power of two, LANES at most
layout(constant_id = 19) const uint HEAD_SUBGROUPS = 1;
layout(constant_id = 20) const uint SUBGROUPS = 1;        // of the workgroup, a multiple of HEAD_SUBGROUPS

#define HEADS GROUP
const uint OCTETS = HEAD_DIM4 / 2;                   // of a head
const uint SLICES = (OCTETS + LANES - 1) / LANES;    // octets of a key that a lane holds
const uint SCORES = UNROLL * HEADS_CEILED;           // that a lane adds to
const uint OWN = SCORES >= LANES ? SCORES / LANES : 1;
const uint TWINS = SCORES >= LANES ? 1 : LANES / SCORES;
const uint HEAD_LANES = LANES / HEADS_CEILED;        // neighbours that own scores of one head
const uint KEY_SUBGROUPS = SUBGROUPS / HEAD_SUBGROUPS;
// Below every score, and yet a number: the difference of two of them is 0.
const float kNothing = -1e30;

shared vec4 mixedOf[SUBGROUPS * HEADS * HEAD_DIM4];
shared vec2 extentOf[SUBGROUPS * HEADS];
shared bool isLast;
shared float raw[gl_WorkGroupSize.x / LANES * UNROLL * HEADS];  // scores of a subgroup's keys, for capture

float q[HEADS][SLICES * 8];
float mixed[HEADS][SLICES * 8];
float score[SCORES];
KV_OCTET keyOctets[UNROLL * SLICES];
KV_OCTET valueOctets[UNROLL * SLICES];

uint part;     // which of the lanes that share a key
uint sub;      // which of the keys that the subgroup takes side by side
uint abreast;  // how many those are

// The octet of this lane at `slice` of a key, or nothing where the head ends.
bool hasSlice(uint slice) { return OCTETS % LANES == 0 || part + slice * LANES < OCTETS; }

#define LOAD_TILE(target, load, firstKey)                                                                  \
  [[unroll]] for (uint u = 0; u < UNROLL; ++u) {                                                           \
    const uint key = firstKey + u * abreast + sub;                                                         \
    const bool isSeen = key >= seen && key < end;                                                          \
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {                                             \
      target[u * SLICES + slice] = kNoOctet;                                                               \
      if (isSeen && hasSlice(slice)) {                                                                     \
        target[u * SLICES + slice] = load((base + key) * OCTETS + part + slice * LANES);                   \
      }                                                                                                    \
    }                                                                                                      \
  }

// One stage of the butterfly: lanes `offset` apart exchange halves of what they hold; once that is one score, they add.
#define HALVE(offset)                                                                                      \
  if (LANES >= 2 * offset) {                                                                               \
    const uint kept = SCORES * offset / LANES;                                                             \
    if (kept >= 1) {                                                                                       \
      const bool isUpper = (part & offset) != 0;                                                           \
      [[unroll]] for (uint i = 0; i < kept; ++i) {                                                         \
        const float mine = isUpper ? score[i + kept] : score[i];                                           \
        const float other = isUpper ? score[i] : score[i + kept];                                          \
        score[i] = mine + subgroupShuffleXor(other, offset);                                               \
      }                                                                                                    \
    } else {                                                                                               \
      score[0] += subgroupShuffleXor(score[0], offset);                                                    \
    }                                                                                                      \
  }

void scoreTile() {
  [[unroll]] for (uint u = 0; u < UNROLL; ++u) {
    [[unroll]] for (uint g = 0; g < HEADS_CEILED; ++g) score[g * UNROLL + u] = 0.0;
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {
      float key[8];
      spreadOctet(keyOctets[u * SLICES + slice], key);
      [[unroll]] for (uint g = 0; g < HEADS; ++g) {
        [[unroll]] for (uint i = 0; i < 8; ++i) {
          score[g * UNROLL + u] = fma(key[i], q[g][slice * 8 + i], score[g * UNROLL + u]);
        }
      }
    }
  }
  HALVE(16)
  HALVE(8)
  HALVE(4)
  HALVE(2)
  HALVE(1)
}

// Adds `weight` of each head, which lies in the lanes that own the scores, times the values.
void mixTile() {
  [[unroll]] for (uint u = 0; u < UNROLL; ++u) {
    float weight[HEADS];
    [[unroll]] for (uint g = 0; g < HEADS; ++g) {
      const uint index = g * UNROLL + u;
      weight[g] = subgroupShuffle(score[index % OWN], sub * LANES + index / OWN * TWINS);
    }
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {
      float value[8];
      spreadOctet(valueOctets[u * SLICES + slice], value);
      [[unroll]] for (uint g = 0; g < HEADS; ++g) {
        [[unroll]] for (uint i = 0; i < 8; ++i) {
          mixed[g][slice * 8 + i] = fma(weight[g], value[i], mixed[g][slice * 8 + i]);
        }
      }
    }
  }
}

// Of the lanes that own scores of one head, over the whole subgroup.
float maxOfHead(float x) {
  [[unroll]] for (uint offset = 1; offset < HEAD_LANES; offset *= 2) x = max(x, subgroupShuffleXor(x, offset));
  for (uint offset = LANES; offset < gl_SubgroupSize; offset *= 2) x = max(x, subgroupShuffleXor(x, offset));
  return x;
}
float sumOfHead(float x) {
  [[unroll]] for (uint offset = 1; offset < HEAD_LANES; offset *= 2) x += subgroupShuffleXor(x, offset);
  for (uint offset = LANES; offset < gl_SubgroupSize; offset *= 2) x += subgroupShuffleXor(x, offset);
  return x;
}

// Whether this workgroup is the last of those that share its heads and have a chunk each; what they stored is there.
bool arrivesLast(uint token, uint used) {
  memoryBarrierBuffer();
  barrier();
  if (used == 1) return true;
  const uint column = token * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  if (gl_LocalInvocationIndex == 0) {
    COUNT(ACTIVATIONS_READ, 4);
    COUNT(ACTIVATIONS_WRITTEN, 4);
    isLast = atomicAdd(arrivals[column], 1) + 1 == used;
    if (isLast) {
      COUNT(ACTIVATIONS_WRITTEN, 4);
      arrivals[column] = 0;
    }
  }
  barrier();
  memoryBarrierBuffer();
  return isLast;
}

// Of all chunks of the workgroup's heads, as many invocations for a texel as there are subgroups for its head.
void mergeChunks(uint token, uint used, uint firstOfWorkgroup, uint headEnd) {
  const uint texels = HEAD_SUBGROUPS * HEADS * HEAD_DIM4;
  for (uint i = gl_LocalInvocationID.x; i < texels * KEY_SUBGROUPS; i += gl_WorkGroupSize.x) {
    const uint local = i % texels / HEAD_DIM4;
    const uint head = firstOfWorkgroup + local;
    float highestOfAll = kNothing;
    float weights = 0.0;
    vec4 sum = vec4(0.0);
    for (uint chunk = i / texels; head < headEnd && chunk < used; chunk += KEY_SUBGROUPS) {
      COUNT(ACTIVATIONS_READ, 24);
      const uint entry = (token * CHUNKS + chunk) * QUERY_HEADS + head;
      const vec2 found = extent[entry];
      const float now = max(highestOfAll, found.x);
      const float before = exp(highestOfAll - now);
      const float weight = exp(found.x - now);
      highestOfAll = now;
      weights = before * weights + weight * found.y;
      sum = before * sum + weight * partial[entry * HEAD_DIM4 + i % HEAD_DIM4];
    }
    mixedOf[i] = sum;
    if (i % HEAD_DIM4 == 0) extentOf[i / HEAD_DIM4] = vec2(highestOfAll, weights);
  }
  barrier();
  for (uint i = gl_LocalInvocationID.x; i < texels; i += gl_WorkGroupSize.x) {
    const uint local = i / HEAD_DIM4;
    const uint head = firstOfWorkgroup + local;
    if (head >= headEnd) continue;
    float highestOfAll = kNothing;
    for (uint k = 0; k < KEY_SUBGROUPS; ++k) {
      highestOfAll = max(highestOfAll, extentOf[k * HEAD_SUBGROUPS * HEADS + local].x);
    }
    float weights = 0.0;
    vec4 sum = vec4(0.0);
    for (uint k = 0; k < KEY_SUBGROUPS; ++k) {
      const vec2 found = extentOf[k * HEAD_SUBGROUPS * HEADS + local];
      const float weight = exp(found.x - highestOfAll);
      weights += weight * found.y;
      sum += weight * mixedOf[k * texels + i];
    }
    COUNT(ACTIVATIONS_WRITTEN, 16);
    attended[token * ATTENDED_COLUMNS4 + head * HEAD_DIM4 + i % HEAD_DIM4] = sum / weights;
  }
}

void main() {
  part = gl_SubgroupInvocationID % LANES;
  sub = gl_SubgroupInvocationID / LANES;
  abreast = gl_SubgroupSize / LANES;
  const uint headSubgroup = gl_SubgroupID % HEAD_SUBGROUPS;
  const uint keySubgroup = gl_SubgroupID / HEAD_SUBGROUPS;
  const uint workgroupsPerKv = gl_NumWorkGroups.x / KV_HEADS;
  const uint kvHead = gl_WorkGroupID.x / workgroupsPerKv;
  const uint firstOfWorkgroup =
      kvHead * HEADS_PER_KV + gl_WorkGroupID.x % workgroupsPerKv * HEADS * HEAD_SUBGROUPS;
  const uint headEnd = (kvHead + 1) * HEADS_PER_KV;
  const uint firstHead = firstOfWorkgroup + headSubgroup * HEADS;
  const uint chunk = gl_WorkGroupID.y;
  const uint token = gl_WorkGroupID.z;
  const uint sequence = step.tokens[token].z;
  const uint length = step.tokens[token].y + 1;
  const uint begin = chunkBegin(chunk, length);
  const uint end = chunkBegin(chunk + 1, length);
  const uint seen = firstSeen(length);
  const uint base = (sequence * KV_HEADS + kvHead) * CONTEXT;
  const uint captureRow = step.tokens[token].w;
  const bool captures = captureRow != NO_SLOT && layerSlot() != NO_SLOT;
  if (begin >= end) {
    for (uint i = gl_LocalInvocationID.x; i < HEAD_SUBGROUPS * HEADS; i += gl_WorkGroupSize.x) {
      if (firstOfWorkgroup + i >= headEnd) continue;
      storeExtent(token, chunk, firstOfWorkgroup + i, captureRow, captures, vec2(NEGATIVE_INFINITY, 0.0));
    }
    return;
  }

  [[unroll]] for (uint g = 0; g < HEADS; ++g) {
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {
      vec4 low = vec4(0.0);
      vec4 high = vec4(0.0);
      if (firstHead + g < headEnd && hasSlice(slice)) {
        const uint at = (token * QUERY_HEADS + firstHead + g) * HEAD_DIM4 + (part + slice * LANES) * 2;
        low = loadQuery(at) * SCALE;
        high = loadQuery(at + 1) * SCALE;
      }
      [[unroll]] for (uint i = 0; i < 4; ++i) {
        q[g][slice * 8 + i] = low[i];
        q[g][slice * 8 + 4 + i] = high[i];
      }
      [[unroll]] for (uint i = 0; i < 8; ++i) mixed[g][slice * 8 + i] = 0.0;
    }
  }

  const uint tileKeys = UNROLL * abreast;
  const uint stride = KEY_SUBGROUPS * tileKeys;
  const uint firstScore = part / TWINS * OWN;  // that this lane owns; all of one head
  const uint rawBase = gl_SubgroupID * HEADS * tileKeys;
  float highest = kNothing;  // of that head
  float weightSum = 0.0;     // of this lane's scores
  uint first = firstHead < headEnd ? begin + keySubgroup * tileKeys : end;
  if (first < end) {
    LOAD_TILE(keyOctets, loadKey, first)
  }
  for (; first < end; first += stride) {
    LOAD_TILE(valueOctets, loadValue, first)
    scoreTile();
    if (first + stride < end) {
      LOAD_TILE(keyOctets, loadKey, first + stride)
    }
    float tileHighest = kNothing;
    [[unroll]] for (uint i = 0; i < OWN; ++i) {
      const uint key = first + (firstScore + i) % UNROLL * abreast + sub;
      const bool isSeen = key >= seen && key < end;
      score[i] = isSeen ? softCapped(score[i], SOFT_CAP) : kNothing;
      tileHighest = max(tileHighest, score[i]);
    }
    if (captures) {
      [[unroll]] for (uint i = 0; i < OWN; ++i) {
        const uint index = firstScore + i;
        if (part % TWINS != 0 || index / UNROLL >= HEADS) continue;
        raw[rawBase + index / UNROLL * tileKeys + index % UNROLL * abreast + sub] = score[i];
      }
      subgroupMemoryBarrierShared();
      subgroupBarrier();
      const uint cells = tileKeys / step.capturePooling;
      for (uint i = gl_SubgroupInvocationID; i < HEADS * cells; i += gl_SubgroupSize) {
        const uint head = firstHead + i / cells;
        const uint key = first + i % cells * step.capturePooling;
        if (head >= headEnd || key >= end || key + step.capturePooling <= seen) continue;
        const uint slot = headSlot(head);
        if (slot == NO_SLOT) continue;
        float value = raw[rawBase + i * step.capturePooling];
        for (uint k = 1; k < step.capturePooling; ++k) value = max(value, raw[rawBase + i * step.capturePooling + k]);
        capture(slot, captureRow, key / step.capturePooling, value);
      }
      subgroupBarrier();
    }
    tileHighest = maxOfHead(tileHighest);
    if (subgroupAny(tileHighest > highest)) {
      const float now = max(highest, tileHighest);
      const float correction = exp(highest - now);
      highest = now;
      weightSum *= correction;
      [[unroll]] for (uint g = 0; g < HEADS; ++g) {
        const float ofHead = HEADS_CEILED == 1 ? correction : subgroupShuffle(correction, sub * LANES + g * HEAD_LANES);
        [[unroll]] for (uint i = 0; i < SLICES * 8; ++i) mixed[g][i] *= ofHead;
      }
    }
    [[unroll]] for (uint i = 0; i < OWN; ++i) {
      score[i] = exp(score[i] - highest);
      weightSum += score[i];
    }
    mixTile();
  }

  if (part % TWINS != 0) weightSum = 0.0;  // twins count once
  weightSum = sumOfHead(weightSum);
  [[unroll]] for (uint g = 0; g < HEADS; ++g) {
    [[unroll]] for (uint i = 0; i < SLICES * 8; ++i) {
      for (uint offset = LANES; offset < gl_SubgroupSize; offset *= 2) {
        mixed[g][i] += subgroupShuffleXor(mixed[g][i], offset);
      }
    }
    const uint row = gl_SubgroupID * HEADS + g;
    if (gl_SubgroupInvocationID == g * HEAD_LANES) extentOf[row] = vec2(highest, weightSum);
    [[unroll]] for (uint slice = 0; slice < SLICES; ++slice) {
      if (sub != 0 || !hasSlice(slice)) continue;
      const uint at = row * HEAD_DIM4 + (part + slice * LANES) * 2;
      mixedOf[at] = vec4(mixed[g][slice * 8], mixed[g][slice * 8 + 1], mixed[g][slice * 8 + 2], mixed[g][slice * 8 + 3]);
      mixedOf[at + 1] =
          vec4(mixed[g][slice * 8 + 4], mixed[g][slice * 8 + 5], mixed[g][slice * 8 + 6], mixed[g][slice * 8 + 7]);
    }
  }
  barrier();

  for (uint i = gl_LocalInvocationID.x; i < HEAD_SUBGROUPS * HEADS * HEAD_DIM4; i += gl_WorkGroupSize.x) {
    const uint local = i / HEAD_DIM4;
    const uint head = firstOfWorkgroup + local;
    if (head >= headEnd) continue;
    float highestOfAll = kNothing;
    for (uint k = 0; k < KEY_SUBGROUPS; ++k) {
      highestOfAll =
          max(highestOfAll, extentOf[(k * HEAD_SUBGROUPS + local / HEADS) * HEADS + local % HEADS].x);
    }
    vec4 sum = vec4(0.0);
    float weights = 0.0;
    for (uint k = 0; k < KEY_SUBGROUPS; ++k) {
      const uint row = (k * HEAD_SUBGROUPS + local / HEADS) * HEADS + local % HEADS;
      const float weight = exp(extentOf[row].x - highestOfAll);
      weights += weight * extentOf[row].y;
      sum += weight * mixedOf[row * HEAD_DIM4 + i % HEAD_DIM4];
    }
    COUNT(ACTIVATIONS_WRITTEN, 16);
    partial[((token * CHUNKS + chunk) * QUERY_HEADS + head) * HEAD_DIM4 + i % HEAD_DIM4] = sum;
    if (i % HEAD_DIM4 == 0) {
      storeExtent(token, chunk, head, captureRow, captures, vec2(highestOfAll, weights));
    }
  }
  if (params.merges == 0) return;
  const uint used = usedChunks(length);
  if (arrivesLast(token, used)) mergeChunks(token, used, firstOfWorkgroup, headEnd);
}
