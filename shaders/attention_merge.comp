// Stage AttentionOutput, first dispatch of the rows family: merge of the context chunks' partial results.
// Workgroups: (texels of all query heads / 64, tokens); one texel per invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#define FAMILY_ROWS
#define AUDIT_BINDING 4
#define PARTIAL_BINDING 1
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
#include "merge.glsl"
layout(std430, binding = 3) writeonly buffer Attended { vec4 attended[]; };  // [token][ATTENDED_COLUMNS4]

void main() {
  const uint column4 = gl_GlobalInvocationID.x;
  const uint token = gl_WorkGroupID.y;
  if (column4 >= QUERY_HEADS * HEAD_DIM4) return;
  COUNT(ACTIVATIONS_WRITTEN, 16);
  attended[token * ATTENDED_COLUMNS4 + column4] =
      mergeChunks(token, column4 / HEAD_DIM4, column4 % HEAD_DIM4, usedChunks(step.tokens[token].y + 1));
}
