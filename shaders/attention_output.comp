// Stage AttentionOutput: merge of the context chunks' partial results, W_O, residual.
// Workgroups: (row blocks / ROW_BLOCKS, tokens / TOKENS).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "projection.glsl"

layout(constant_id = 2) const uint QUERY_HEADS = 1;
layout(constant_id = 3) const uint HEAD_DIM4 = 2;
layout(constant_id = 4) const uint CHUNKS = 1;
layout(constant_id = 5) const uint STREAM_COLUMNS = 32;  // floats per token of the residual stream

layout(binding = 2) uniform textureBuffer partial;  // [token][CHUNKS][QUERY_HEADS][HEAD_DIM4]
layout(binding = 3) uniform textureBuffer extent;   // [token][CHUNKS][QUERY_HEADS] max, sum
layout(std430, binding = 4) buffer Stream { float stream[]; };  // [token][STREAM_COLUMNS]

vec4 loadInput(uint token, uint column4, uint tile) {
  const uint row = min(token, step.tokenCount - 1);
  const uint head = min(column4 / HEAD_DIM4, QUERY_HEADS - 1);
  const uint first = row * CHUNKS * QUERY_HEADS + head;
  float highest = texelFetch(extent, int(first)).x;
  for (uint chunk = 1; chunk < CHUNKS; ++chunk) {
    highest = max(highest, texelFetch(extent, int(first + chunk * QUERY_HEADS)).x);
  }
  vec4 mixed = vec4(0.0);
  float sum = 0.0;
  for (uint chunk = 0; chunk < CHUNKS; ++chunk) {
    const uint entry = first + chunk * QUERY_HEADS;
    const vec2 part = texelFetch(extent, int(entry)).xy;
    const float weight = exp(part.x - highest);  // 0 for an empty chunk: its max is -infinity
    mixed += weight * texelFetch(partial, int(entry * HEAD_DIM4 + column4 % HEAD_DIM4));
    sum += weight * part.y;
  }
  return column4 < QUERY_HEADS * HEAD_DIM4 ? mixed / sum : vec4(0.0);
}

void main() {
  const uint firstToken = gl_WorkGroupID.y * TOKENS;
  multiply(firstToken);
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {
      if (firstToken + n < step.tokenCount && rowOf(r) < ROWS) {
        stream[(firstToken + n) * STREAM_COLUMNS + rowOf(r)] += product[r][n];
      }
    }
  }
}
