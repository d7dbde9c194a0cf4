// Stage AttentionOutput, first dispatch of the rows family: merge of the context chunks' partial results of a head.
// Each extent and each partial result is loaded once; the invocations of a texel take chunks by turns, several loads on
// their way at a time, so that many chunks take little longer than few. Workgroups: (query heads, tokens).
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_EXT_control_flow_attributes : require
#define FAMILY_ROWS
#define AUDIT_BINDING 4
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x = HEADROOM_COPY_ROWS_INVOCATIONS) in;
layout(constant_id = 0) const uint QUERY_HEADS = 1;
layout(constant_id = 1) const uint HEAD_DIM4 = 2;
layout(constant_id = 2) const uint CHUNKS = 1;
layout(constant_id = 3) const uint ATTENDED_COLUMNS4 = 8;
layout(constant_id = 4) const uint MIN_CHUNK = 64;

layout(push_constant) uniform AttentionDecodeParams {
  uint layer;
  uint window;  // positions that the layer sees at most; 0: all
  uint texts;
} params;

#include "chunks.glsl"
layout(std430, binding = 1) readonly buffer Partial { vec4 partial[]; };      // [token][CHUNKS][QUERY_HEADS][HEAD_DIM4]
layout(std430, binding = 2) readonly buffer Extent { vec2 extent[]; };        // [token][CHUNKS][QUERY_HEADS] max, sum
layout(std430, binding = 3) writeonly buffer Attended { vec4 attended[]; };   // [token][ATTENDED_COLUMNS4]

const uint INVOCATIONS = HEADROOM_COPY_ROWS_INVOCATIONS;
const uint PARTS = INVOCATIONS / HEAD_DIM4;  // invocations of a texel
const uint FLIGHT = 8;                       // partial results on their way to one of them

shared vec2 extentOf[CHUNKS];
shared float weightOf[CHUNKS];
shared vec2 ofSubgroup[INVOCATIONS];
shared vec4 mixedOf[INVOCATIONS];

void main() {
  const uint self = gl_LocalInvocationID.x;
  const uint head = gl_WorkGroupID.x;
  const uint token = gl_WorkGroupID.y;
  const uint used = usedChunks(step.tokens[token].y + 1);
  const uint first = token * CHUNKS * QUERY_HEADS + head;

  float highest = uintBitsToFloat(0xFF800000u);
  for (uint chunk = self; chunk < used; chunk += INVOCATIONS) {
    COUNT(ACTIVATIONS_READ, 8);
    extentOf[chunk] = extent[first + chunk * QUERY_HEADS];
    highest = max(highest, extentOf[chunk].x);
  }
  highest = subgroupMax(highest);
  if (subgroupElect()) ofSubgroup[gl_SubgroupID].x = highest;
  barrier();
  for (uint subgroup = 0; subgroup < gl_NumSubgroups; ++subgroup) highest = max(highest, ofSubgroup[subgroup].x);
  float sum = 0.0;
  for (uint chunk = self; chunk < used; chunk += INVOCATIONS) {
    weightOf[chunk] = exp(extentOf[chunk].x - highest);  // 0 for an empty chunk: its maximum is -infinity
    sum += weightOf[chunk] * extentOf[chunk].y;
  }
  sum = subgroupAdd(sum);
  if (subgroupElect()) ofSubgroup[gl_SubgroupID].y = sum;
  barrier();

  const uint element4 = self % HEAD_DIM4;
  vec4 mixed = vec4(0.0);
  for (uint turn = self / HEAD_DIM4; turn < (self / HEAD_DIM4 < PARTS ? used : 0); turn += PARTS * FLIGHT) {
    vec4 part[FLIGHT];
    [[unroll]] for (uint i = 0; i < FLIGHT; ++i) {
      const uint chunk = turn + i * PARTS;
      if (chunk >= used) continue;
      COUNT(ACTIVATIONS_READ, 16);
      part[i] = partial[(first + chunk * QUERY_HEADS) * HEAD_DIM4 + element4];
    }
    [[unroll]] for (uint i = 0; i < FLIGHT; ++i) {
      const uint chunk = turn + i * PARTS;
      if (chunk < used) mixed += weightOf[chunk] * part[i];
    }
  }
  mixedOf[self] = mixed;
  barrier();
  if (self >= HEAD_DIM4) return;
  for (uint part = 1; part < PARTS; ++part) mixed += mixedOf[self + part * HEAD_DIM4];
  sum = 0.0;
  for (uint subgroup = 0; subgroup < gl_NumSubgroups; ++subgroup) sum += ofSubgroup[subgroup].y;
  COUNT(ACTIVATIONS_WRITTEN, 16);
  attended[token * ATTENDED_COLUMNS4 + head * HEAD_DIM4 + self] = mixed / sum;
}
