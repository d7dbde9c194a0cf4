// Stage Embedding: stream[token][:] = row `token` of the embedding matrix, packed as projection.glsl says.
// Workgroups: (columns / 4 / 8, tokens); one texel per lane.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#include "step_params.glsl"

layout(local_size_x = HEADROOM_LANES) in;
layout(constant_id = 0) const uint COLUMNS4 = 8;
layout(binding = 1) uniform textureBuffer weights;
layout(std430, binding = 2) writeonly buffer Stream { vec4 stream[]; };  // [token][COLUMNS4]

void main() {
  const uint column4 = gl_WorkGroupID.x * HEADROOM_LANES + gl_LocalInvocationID.x;
  const uint row = step.tokens[gl_WorkGroupID.y].x;
  stream[gl_WorkGroupID.y * COLUMNS4 + column4] =
      texelFetch(weights, int((row / 8 * COLUMNS4 + column4) * 8 + row % 8));
}
