// Stage AttentionOutput: merge of the context chunks' partial results, W_O, residual. In the rows family a dispatch of
// attention_merge has merged them before.
#version 460
#extension GL_GOOGLE_include_directive : require
#ifdef FAMILY_ROWS
#define AUDIT_BINDING 6
#define RESIDUAL_BINDING 5
#else
#define AUDIT_BINDING 7
#define RESIDUAL_BINDING 6
#endif
#include "projection.glsl"
#include "residual_output.glsl"

layout(constant_id = 4) const uint QUERY_HEADS = 1;
layout(constant_id = 5) const uint HEAD_DIM4 = 2;
layout(constant_id = 6) const uint CHUNKS = 1;

#ifdef FAMILY_ROWS
layout(binding = 4) uniform textureBuffer attended;  // [token][COLUMNS4], zero behind QUERY_HEADS * HEAD_DIM4

vec4 loadInput(uint token, uint column4, uint tile) {
  COUNT(ACTIVATIONS_READ, 16);
  return texelFetch(attended, int(token * COLUMNS4 + column4));
}
#else
#define PARTIAL_BINDING 4
#include "merge.glsl"

vec4 loadInput(uint token, uint column4, uint tile) {
  const uint head = min(column4 / HEAD_DIM4, QUERY_HEADS - 1);
  const vec4 mixed = mergeChunks(token, head, column4 % HEAD_DIM4, CHUNKS);
  return column4 < QUERY_HEADS * HEAD_DIM4 ? mixed : vec4(0.0);
}
#endif
