// Merges the context chunks' partial results of the captured rows to where the host reads them: what W_O reads.
// Workgroups: (texels of all query heads / 64, tokens); one texel per invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 4
#define PARTIAL_BINDING 1
#include "step_params.glsl"
#include "audit.glsl"

layout(local_size_x = HEADROOM_COPY_ROWS_INVOCATIONS) in;
layout(constant_id = 0) const uint QUERY_HEADS = 1;
layout(constant_id = 1) const uint HEAD_DIM4 = 2;
layout(constant_id = 2) const uint CHUNKS = 1;
layout(constant_id = 3) const uint MIN_CHUNK = 64;
layout(push_constant) uniform CaptureRowsParams {
  uint columns;
  uint stride;
  uint columnsBefore;  // of all places before this one, each a multiple of 4
  uint window;         // positions that the layer sees at most; 0: all
} params;

#include "chunks.glsl"
#include "merge.glsl"
layout(std430, binding = 3) writeonly buffer Captured { vec4 captured[]; };  // from captureBase on: [place][row][columns]

void main() {
  const uint column4 = gl_GlobalInvocationID.x;
  const uint token = gl_WorkGroupID.y;
  const uint row = step.tokens[token].w;
  if (row == NO_SLOT || column4 >= QUERY_HEADS * HEAD_DIM4) return;
  const uint place = step.captureBase + params.columnsBefore * step.captureRows;
  COUNT(CAPTURE_WRITTEN, 16);
  captured[(place + row * params.columns) / 4 + column4] =
      mergeChunks(token, column4 / HEAD_DIM4, column4 % HEAD_DIM4, usedChunks(step.tokens[token].y + 1));
}
