// Stage AttentionDecode, second dispatch where heads of the layer are changed: what such a head gives becomes
// gain * (weighted values) + offset, its weights being those of attention or others. The result takes the place of the
// first context chunk's partial result; those of the others then count for nothing.
// Workgroups: (changed heads of the layer, tokens); one texel of a head per invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 5
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x = HEADROOM_MAX_HEAD_TEXELS) in;
layout(constant_id = 0) const uint HEAD_DIM4 = 2;
layout(constant_id = 1) const uint HEADS_PER_KV = 1;
layout(constant_id = 2) const uint QUERY_HEADS = 1;
layout(constant_id = 3) const uint KV_HEADS = 1;
layout(constant_id = 4) const uint CONTEXT = 1;
layout(constant_id = 5) const uint CHUNKS = 1;
layout(constant_id = 6) const uint KV_TEXEL_BYTES = 16;  // four elements of the cache
layout(constant_id = 7) const uint MIN_CHUNK = 64;

// values: [sequence][KV_HEADS][CONTEXT][HEAD_DIM4]
#ifdef FAMILY_ROWS
#include "kv_rows.glsl"
layout(std430, binding = 1) readonly buffer Values { KV_QUAD values[]; };
#else
layout(binding = 1) uniform textureBuffer values;
#endif
layout(std430, binding = 2) buffer Partial { vec4 partial[]; };    // [token][CHUNKS][QUERY_HEADS][HEAD_DIM4]
layout(std430, binding = 3) buffer Extent { vec2 extent[]; };      // [token][CHUNKS][QUERY_HEADS] max, sum
// From params.firstEntry on, per changed head: head, pattern, how many weights and at which word; gain, offset
// [HEAD_DIM4].
layout(std430, binding = 4) readonly buffer Changes { uint changes[]; };

layout(push_constant) uniform InterveneParams {
  uint firstEntry;  // word
  uint window;      // positions that the layer sees at most; 0: all
} params;

#include "chunks.glsl"

// model::AttentionPattern
#define COMPUTED 0
#define PREVIOUS_TOKEN 1
#define UNIFORM 2
#define FIRST_TOKEN 3
#define GIVEN 4

#define NEGATIVE_INFINITY uintBitsToFloat(0xFF800000u)

uint word(uint index) {
  COUNT(WEIGHTS_READ, 4);
  return changes[index];
}
vec4 texel(uint index) {
  return vec4(uintBitsToFloat(word(index)), uintBitsToFloat(word(index + 1)), uintBitsToFloat(word(index + 2)),
              uintBitsToFloat(word(index + 3)));
}
vec4 valueAt(uint token, uint head, uint position, uint texel4) {
  COUNT(KV_READ, KV_TEXEL_BYTES);
  const uint row = (step.tokens[token].z * KV_HEADS + head / HEADS_PER_KV) * CONTEXT + position;
#ifdef FAMILY_ROWS
  return spreadQuad(values[row * HEAD_DIM4 + texel4]);
#else
  return texelFetch(values, int(row * HEAD_DIM4 + texel4));
#endif
}
vec2 extentAt(uint index) {
  COUNT(ACTIVATIONS_READ, 8);
  return extent[index];
}

// What attention gave, merged from the used chunks; see merge.glsl.
vec4 computed(uint first, uint texel4, uint used) {
  float highest = extentAt(first).x;
  for (uint chunk = 1; chunk < used; ++chunk) highest = max(highest, extentAt(first + chunk * QUERY_HEADS).x);
  vec4 mixed = vec4(0.0);
  float sum = 0.0;
  for (uint chunk = 0; chunk < used; ++chunk) {
    const uint index = first + chunk * QUERY_HEADS;
    const vec2 part = extentAt(index);
    const float weight = exp(part.x - highest);
    COUNT(ACTIVATIONS_READ, 16);
    mixed += weight * partial[index * HEAD_DIM4 + texel4];
    sum += weight * part.y;
  }
  return mixed / sum;
}

vec4 uniformly(uint token, uint head, uint texel4) {
  const uint end = step.tokens[token].y + 1;
  const uint first = firstSeen(end);
  vec4 sum = vec4(0.0);
  for (uint position = first; position < end; ++position) sum += valueAt(token, head, position, texel4);
  return sum / float(end - first);
}

vec4 byGivenWeights(uint token, uint head, uint texel4, uint count, uint firstWeight) {
  vec4 sum = vec4(0.0);
  for (uint position = 0; position < min(count, step.tokens[token].y + 1); ++position) {
    sum += uintBitsToFloat(word(firstWeight + position)) * valueAt(token, head, position, texel4);
  }
  return sum;
}

void main() {
  const uint texel4 = gl_LocalInvocationID.x;
  const uint token = gl_WorkGroupID.y;
  const uint entry = params.firstEntry + gl_WorkGroupID.x * (4 + 8 * HEAD_DIM4);
  const bool isActive = texel4 < HEAD_DIM4;
  const uint used = usedChunks(step.tokens[token].y + 1);
  uint first = 0;
  vec4 mixed = vec4(0.0);
  if (isActive) {
    const uint head = word(entry);
    const uint pattern = word(entry + 1);
    const uint weightCount = word(entry + 2);
    const uint firstWeight = word(entry + 3);
    const uint position = step.tokens[token].y;
    first = token * CHUNKS * QUERY_HEADS + head;
    if (pattern == COMPUTED) mixed = computed(first, texel4, used);
    if (pattern == PREVIOUS_TOKEN) mixed = valueAt(token, head, max(position, 1) - 1, texel4);
    if (pattern == FIRST_TOKEN) mixed = valueAt(token, head, 0, texel4);
    if (pattern == UNIFORM) mixed = uniformly(token, head, texel4);
    if (pattern == GIVEN) mixed = byGivenWeights(token, head, texel4, weightCount, firstWeight);
    mixed = texel(entry + 4 + 4 * texel4) * mixed + texel(entry + 4 + 4 * (HEAD_DIM4 + texel4));
  }
  barrier();  // every invocation has read the extents
  if (!isActive) return;
  COUNT(ACTIVATIONS_WRITTEN, 16);
  partial[first * HEAD_DIM4 + texel4] = mixed;
  if (texel4 > 0) return;
  for (uint chunk = 0; chunk < used; ++chunk) {
    COUNT(ACTIVATIONS_WRITTEN, 8);
    extent[first + chunk * QUERY_HEADS] = chunk == 0 ? vec2(0.0, 1.0) : vec2(NEGATIVE_INFINITY, 0.0);
  }
}
