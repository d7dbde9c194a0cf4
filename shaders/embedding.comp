// Stage Embedding: stream[token][:] = row `token` of the embedding matrix, scaled, and that of the position where
// positions are learned.
// Workgroups: (columns / 4 / HEADROOM_LANES, tokens); one texel per lane.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define AUDIT_BINDING 5
#include "step_params.glsl"
#include "audit.glsl"
#include "weights.glsl"

layout(local_size_x = HEADROOM_LANES) in;
layout(constant_id = 2) const float SCALE = 1.0;
layout(constant_id = 3) const uint LEARNED_POSITIONS = 0;
layout(std430, binding = 3) writeonly buffer Stream { vec4 stream[]; };  // [token][COLUMNS4]
layout(binding = 4) uniform textureBuffer positions;                     // [position][COLUMNS4], when learned

#ifdef FAMILY_ROWS
vec4 weightsOf(uint row, uint column4) {
  const Run stored = loadRun(row, column4 / RUN4 * RUN4);
  vec4 run[RUN4];
  spreadRun(stored, factorsOf(stored, column4 / RUN4 % 8), run);
  return run[column4 % RUN4];
}
#else
vec4 weightsOf(uint row, uint column4) {
  const vec4 texel = loadTexel(packedIndex(row, column4, COLUMNS4));
  if (WEIGHT_FORMAT != FORMAT_Q8) return texel;
  return round(texel * 127.0) * loadScale(packedIndex(row, column4 / Q8_TEXELS, COLUMNS4 / Q8_TEXELS));
}
#endif

void main() {
  const uint column4 = gl_WorkGroupID.x * HEADROOM_LANES + gl_LocalInvocationID.x;
  const uvec4 token = step.tokens[gl_WorkGroupID.y];
  vec4 x = SCALE * weightsOf(token.x, column4);
  if (LEARNED_POSITIONS != 0) {
    COUNT(WEIGHTS_READ, 16);
    x += texelFetch(positions, int(token.y * COLUMNS4 + column4));
  }
  COUNT(ACTIVATIONS_WRITTEN, 16);
  stream[gl_WorkGroupID.y * COLUMNS4 + column4] = x;
}
