// Stage FfnDown: down projection, residual.
// Workgroups: (row blocks / ROW_BLOCKS, tokens / TOKENS).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "projection.glsl"

layout(constant_id = 2) const uint STREAM_COLUMNS = 32;  // floats per token of the residual stream
layout(binding = 2) uniform textureBuffer hidden;        // [token][COLUMNS4], zero behind ffnDim
layout(std430, binding = 3) buffer Stream { float stream[]; };  // [token][STREAM_COLUMNS]

vec4 loadInput(uint token, uint column4, uint tile) {
  return texelFetch(hidden, int(min(token, step.tokenCount - 1) * COLUMNS4 + column4));
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
