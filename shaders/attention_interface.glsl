// What the attention kernels of both families read and write, and how the context is split.
layout(constant_id = 0) const uint HEAD_DIM4 = 2;     // head_dim / 4
layout(constant_id = 1) const uint GROUP = 1;         // query heads of this workgroup
layout(constant_id = 2) const uint HEADS_PER_KV = 1;  // query heads that share a KV head
layout(constant_id = 3) const uint QUERY_HEADS = 1;
layout(constant_id = 4) const uint KV_HEADS = 1;
layout(constant_id = 5) const uint CONTEXT = 1;
layout(constant_id = 6) const uint CHUNKS = 1;
layout(constant_id = 7) const uint MIN_CHUNK = 64;
layout(constant_id = 8) const uint KV_TEXEL_BYTES = 16;  // four elements of the cache

layout(constant_id = 10) const float SCALE = 1.0;     // of scores
layout(constant_id = 11) const float SOFT_CAP = 0.0;  // of scores; 0: none

layout(binding = 1) uniform textureBuffer query;   // [token][QUERY_HEADS][HEAD_DIM4]
layout(binding = 2) uniform textureBuffer keys;    // [sequence][KV_HEADS][CONTEXT][HEAD_DIM4]
layout(binding = 3) uniform textureBuffer values;  // likewise
layout(std430, binding = 4) writeonly buffer Partial { vec4 partial[]; };  // [token][CHUNKS][QUERY_HEADS][HEAD_DIM4]
layout(std430, binding = 5) writeonly buffer Extent { vec2 extent[]; };    // [token][CHUNKS][QUERY_HEADS] max, sum
layout(std430, binding = 6) writeonly buffer Captured { float captured[]; };  // [slot][captureRows][captureStride]
layout(std430, binding = 7) writeonly buffer CapturedExtent { vec2 capturedExtent[]; };  // [slot][captureRows][CHUNKS]

layout(push_constant) uniform AttentionDecodeParams {
  uint layer;
  uint window;  // positions that the layer sees at most; 0: all
} params;

#include "activation.glsl"

#define NEGATIVE_INFINITY uintBitsToFloat(0xFF800000u)

// First key that a row of `length` keys sees.
uint firstSeen(uint length) { return params.window == 0 || length <= params.window ? 0 : length - params.window; }

// First key of a chunk, at most `length`; a multiple of 8 before that. Keys before firstSeen() are to be skipped.
uint chunkBegin(uint chunk, uint length) {
  const uint start = firstSeen(length) & ~7u;
  const uint chunkKeys = max(MIN_CHUNK, ((length - start + CHUNKS - 1) / CHUNKS + 7) & ~7u);
  return min(length, start + chunk * chunkKeys);
}

vec4 loadQuery(uint texel) {
  COUNT(ACTIVATIONS_READ, 16);
  return texelFetch(query, int(texel));
}
vec4 loadKey(uint texel) {
  COUNT(KV_READ, KV_TEXEL_BYTES);
  return texelFetch(keys, int(texel));
}
vec4 loadValue(uint texel) {
  COUNT(KV_READ, KV_TEXEL_BYTES);
  return texelFetch(values, int(texel));
}

uint layerSlot() { return step.layerSlots[params.layer / 4][params.layer % 4]; }
// Where the rows of a query head go, NO_SLOT when it is not captured; for a captured layer.
uint headSlot(uint head) {
  const uint slot = step.headSlots[head / 4][head % 4];
  return slot == NO_SLOT ? NO_SLOT : layerSlot() + slot;
}
void capture(uint slot, uint row, uint cell, float score) {
  COUNT(CAPTURE_WRITTEN, 4);
  captured[(slot * step.captureRows + row) * step.captureStride + cell] = score;
}
void captureExtent(uint slot, uint row, uint chunk, vec2 maximumAndSum) {
  COUNT(CAPTURE_WRITTEN, 8);
  capturedExtent[(slot * step.captureRows + row) * CHUNKS + chunk] = maximumAndSum;
}
