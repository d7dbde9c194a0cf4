// y = W x for ROW_BLOCKS blocks of 8 rows and TOKENS tokens per workgroup of 8 lanes; lane = row within a block.
// W is packed [row / 8][column / 4][row % 8][4] and read through a texel buffer; x is loaded four columns per lane
// and spread over the lanes by shuffles with a constant index. Why: on software Vulkan this form reaches 10 times
// the bandwidth of a scalar storage buffer, and lanes still read neighbouring texels on a GPU.
//
// The including kernel defines vec4 loadInput(uint token, uint column4, uint tile) and binds `weights`.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
#include "step_params.glsl"

#ifndef TOKENS
#define TOKENS 1
#endif
#define ROW_BLOCKS HEADROOM_ROW_BLOCKS

layout(local_size_x = HEADROOM_LANES) in;
layout(constant_id = 0) const uint COLUMNS4 = 8;  // columns / 4, a multiple of 8
layout(constant_id = 1) const uint ROWS = 32;     // rows to store; more are computed, as padding
layout(binding = 1) uniform textureBuffer weights;

float product[ROW_BLOCKS][TOKENS];
float squares[TOKENS];  // this lane's share of sum(x^2)

vec4 loadInput(uint token, uint column4, uint tile);

uint lane() { return gl_SubgroupInvocationID; }
uint firstBlock() { return gl_WorkGroupID.x * ROW_BLOCKS; }
uint rowOf(uint block) { return (firstBlock() + block) * 8 + lane(); }

#define MULTIPLY_LANE(k)                                                                            \
  {                                                                                                 \
    vec4 spread[TOKENS];                                                                            \
    [[unroll]] for (uint n = 0; n < TOKENS; ++n) spread[n] = subgroupShuffle(x[n], k);              \
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {                                              \
      const vec4 w = texelFetch(weights, int(texel + (r * COLUMNS4 + k) * 8));                      \
      [[unroll]] for (uint n = 0; n < TOKENS; ++n) product[r][n] += dot(w, spread[n]);              \
    }                                                                                               \
  }

// Fills product for the tokens firstToken .. firstToken + TOKENS - 1.
void multiply(uint firstToken) {
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    squares[n] = 0.0;
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) product[r][n] = 0.0;
  }
  for (uint column4 = 0; column4 < COLUMNS4; column4 += 8) {
    vec4 x[TOKENS];
    [[unroll]] for (uint n = 0; n < TOKENS; ++n) x[n] = loadInput(firstToken + n, column4 + lane(), n);
    const uint texel = (firstBlock() * COLUMNS4 + column4) * 8 + lane();
    MULTIPLY_LANE(0)
    MULTIPLY_LANE(1)
    MULTIPLY_LANE(2)
    MULTIPLY_LANE(3)
    MULTIPLY_LANE(4)
    MULTIPLY_LANE(5)
    MULTIPLY_LANE(6)
    MULTIPLY_LANE(7)
  }
}

// Sum over the 8 lanes, the same on each.
float sumLanes(float value) {
  return subgroupShuffle(value, 0) + subgroupShuffle(value, 1) + subgroupShuffle(value, 2) +
         subgroupShuffle(value, 3) + subgroupShuffle(value, 4) + subgroupShuffle(value, 5) +
         subgroupShuffle(value, 6) + subgroupShuffle(value, 7);
}
