// What the attention kernels of both families read and write.
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

// query: [token][QUERY_HEADS][HEAD_DIM4]; keys and values: [sequence][KV_HEADS][CONTEXT][HEAD_DIM4], or half as many
// octets.
#ifdef FAMILY_ROWS
#include "kv_rows.glsl"
layout(std430, binding = 1) readonly buffer Query { vec4 query[]; };
#ifdef BY_OCTETS
layout(std430, binding = 2) readonly buffer Keys { KV_OCTET keys[]; };
layout(std430, binding = 3) readonly buffer Values { KV_OCTET values[]; };
#else
layout(std430, binding = 2) readonly buffer Keys { KV_QUAD keys[]; };
layout(std430, binding = 3) readonly buffer Values { KV_QUAD values[]; };
#endif
#else
layout(binding = 1) uniform textureBuffer query;
layout(binding = 2) uniform textureBuffer keys;
layout(binding = 3) uniform textureBuffer values;
#endif
#if defined(BY_OCTETS) && !defined(APART)
#define PARTIAL_ACCESS coherent
#else
#define PARTIAL_ACCESS writeonly
#endif
layout(std430, binding = 4) PARTIAL_ACCESS buffer Partial { vec4 partial[]; };  // [token][CHUNKS][QUERY_HEADS][HEAD_DIM4]
layout(std430, binding = 5) PARTIAL_ACCESS buffer Extent { vec2 extent[]; };    // [token][CHUNKS][QUERY_HEADS] max, sum
layout(std430, binding = 6) writeonly buffer Captured { float captured[]; };  // [slot][captureRows][captureStride]
layout(std430, binding = 7) writeonly buffer CapturedExtent { vec2 capturedExtent[]; };  // [slot][captureRows][CHUNKS]

layout(push_constant) uniform AttentionDecodeParams {
  uint layer;
  uint window;  // positions that the layer sees at most; 0: all
  uint texts;   // of attention_tiles: row i of the step is of text i % texts
  uint merges;  // of attention_decode_octets: whether the last workgroup of a head merges its chunks
} params;

#include "activation.glsl"

#define NEGATIVE_INFINITY uintBitsToFloat(0xFF800000u)

#include "chunks.glsl"

#ifdef FAMILY_ROWS
vec4 loadQuery(uint texel) {
  COUNT(ACTIVATIONS_READ, 16);
  return query[texel];
}
#ifdef BY_OCTETS
KV_OCTET loadKey(uint octet) {
  COUNT(KV_READ, KV_OCTET_BYTES);
  return keys[octet];
}
KV_OCTET loadValue(uint octet) {
  COUNT(KV_READ, KV_OCTET_BYTES);
  return values[octet];
}
#else
vec4 loadKey(uint quad) {
  COUNT(KV_READ, KV_QUAD_BYTES);
  return spreadQuad(keys[quad]);
}
vec4 loadValue(uint quad) {
  COUNT(KV_READ, KV_QUAD_BYTES);
  return spreadQuad(values[quad]);
}
#endif
#else
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
#endif

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

void storeExtent(uint token, uint chunk, uint head, uint captureRow, bool captures, vec2 maximumAndSum) {
  COUNT(ACTIVATIONS_WRITTEN, 8);
  extent[(token * CHUNKS + chunk) * QUERY_HEADS + head] = maximumAndSum;
  if (!captures) return;
  const uint slot = headSlot(head);
  if (slot != NO_SLOT) captureExtent(slot, captureRow, chunk, maximumAndSum);
}
