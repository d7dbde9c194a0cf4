// Copies the captured rows of one place inside a step to where the host reads them: `columns` values of each.
// FROM_CACHE: keys or values, as they lie in the cache. Workgroups: (columns / 64, tokens); one value per invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#define AUDIT_BINDING 3
#include "step_params.glsl"
#include "audit.glsl"
#include "kv_type.glsl"

layout(local_size_x = HEADROOM_COPY_ROWS_INVOCATIONS) in;
layout(constant_id = 0) const uint KV_HEADS = 1;
layout(constant_id = 1) const uint HEAD_DIM = 8;
layout(constant_id = 2) const uint CONTEXT = 1;
#ifdef FROM_CACHE
layout(std430, binding = 1) readonly buffer Source { KV_ELEMENT values[]; };  // [sequence][KV_HEADS][CONTEXT][HEAD_DIM]
#else
layout(std430, binding = 1) readonly buffer Source { float values[]; };  // [token][stride]
#endif
layout(std430, binding = 2) writeonly buffer Captured { float captured[]; };  // from captureBase on: [place][row][columns]

layout(push_constant) uniform CaptureRowsParams {
  uint columns;
  uint stride;         // values per token of the source
  uint columnsBefore;  // of all places before this one, each a multiple of 4
} params;

float load(uint token, uint column) {
#ifdef FROM_CACHE
  COUNT(KV_READ, KV_BYTES);
  const uint head = step.tokens[token].z * KV_HEADS + column / HEAD_DIM;
  return float(values[(head * CONTEXT + step.tokens[token].y) * HEAD_DIM + column % HEAD_DIM]);
#else
  COUNT(ACTIVATIONS_READ, 4);
  return values[token * params.stride + column];
#endif
}

void main() {
  const uint column = gl_GlobalInvocationID.x;
  const uint token = gl_WorkGroupID.y;
  const uint row = step.tokens[token].w;
  if (row == NO_SLOT || column >= params.columns) return;
  const uint place = step.captureBase + params.columnsBefore * step.captureRows;
  COUNT(CAPTURE_WRITTEN, 4);
  captured[place + row * ((params.columns + 3) & ~3u) + column] = load(token, column);
}
