// ROW_BLOCKS blocks of HEADROOM_LANES rows and TOKENS tokens per workgroup; lane = row within a block. x is loaded four
// columns per lane and spread over the lanes by shuffles with a constant index. Why: on software Vulkan this form
// reaches 10 times the bandwidth of a scalar storage buffer.
// Workgroups: (row blocks / ROW_BLOCKS, tokens / TOKENS).
#extension GL_KHR_shader_subgroup_shuffle : require

layout(local_size_x = HEADROOM_LANES) in;
layout(constant_id = HEADROOM_ROW_BLOCKS_CONSTANT) const uint ROW_BLOCKS = 4;  // even

float product[ROW_BLOCKS][TOKENS];

uint lane() { return gl_SubgroupInvocationID; }
uint firstBlock() { return gl_WorkGroupID.x * ROW_BLOCKS; }

// Sum over the lanes, the same on each.
float sumLanes(float value) {
  return subgroupShuffle(value, 0) + subgroupShuffle(value, 1) + subgroupShuffle(value, 2) +
         subgroupShuffle(value, 3) + subgroupShuffle(value, 4) + subgroupShuffle(value, 5) +
         subgroupShuffle(value, 6) + subgroupShuffle(value, 7);
}

#define MULTIPLY_LANE(k)                                                                            \
  {                                                                                                 \
    vec4 spread[TOKENS];                                                                            \
    [[unroll]] for (uint n = 0; n < TOKENS; ++n) spread[n] = subgroupShuffle(x[n], k);              \
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {                                              \
      const vec4 w = loadTexel(texel + (r * COLUMNS4 + k) * HEADROOM_LANES);                        \
      [[unroll]] for (uint n = 0; n < TOKENS; ++n) sum[r][n] += dot(w, spread[n]);                  \
    }                                                                                               \
  }

void multiply(uint firstToken) {
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    squares[n] = 0.0;
    sums[n] = 0.0;
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) product[r][n] = 0.0;
  }
  float sum[ROW_BLOCKS][TOKENS];
  [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {
    [[unroll]] for (uint n = 0; n < TOKENS; ++n) sum[r][n] = 0.0;
  }
  for (uint column4 = 0; column4 < COLUMNS4; column4 += HEADROOM_LANES) {
    vec4 x[TOKENS];
    [[unroll]] for (uint n = 0; n < TOKENS; ++n) x[n] = loadInput(tokenOf(firstToken + n), column4 + lane(), n);
    const uint texel = (firstBlock() * COLUMNS4 + column4) * HEADROOM_LANES + lane();
    MULTIPLY_LANE(0)
    MULTIPLY_LANE(1)
    MULTIPLY_LANE(2)
    MULTIPLY_LANE(3)
    MULTIPLY_LANE(4)
    MULTIPLY_LANE(5)
    MULTIPLY_LANE(6)
    MULTIPLY_LANE(7)
    // What the lanes took are Q8_TEXELS texels: one block of Q8_0.
    if (WEIGHT_FORMAT == FORMAT_Q8) {
      [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {
        const float scale = 127.0 * loadScale(texel / HEADROOM_LANES + r * COLUMNS4 + lane());
        [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
          product[r][n] += scale * sum[r][n];
          sum[r][n] = 0.0;
        }
      }
    }
  }
  if (WEIGHT_FORMAT != FORMAT_Q8) {
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {
      [[unroll]] for (uint n = 0; n < TOKENS; ++n) product[r][n] = sum[r][n];
    }
  }
}

void main() {
  const uint firstToken = firstTokenOf(gl_WorkGroupID.y);
  multiply(firstToken);
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    const float scale = outputScale(n);
    const float mean = outputMean(n);
    const bool wanted = firstToken + n < ROW_COUNT;
#ifdef PAIRS_GATE_UP
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; r += 2) {
      const uint row = (firstBlock() + r) / 2 * HEADROOM_LANES + lane();
      const uint gateRow = (firstBlock() + r) * HEADROOM_LANES + lane();
      if (wanted && row < ROWS) {
        emit(row, firstToken + n, finished(product[r][n], gateRow, true, scale, mean),
             finished(product[r + 1][n], gateRow + HEADROOM_LANES, true, scale, mean));
      }
    }
#else
    [[unroll]] for (uint r = 0; r < ROW_BLOCKS; ++r) {
      const uint row = (firstBlock() + r) * HEADROOM_LANES + lane();
      const float value = finished(product[r][n], row, wanted && row < ROWS, scale, mean);
#ifdef PAIRS_ADJACENT
      const float partner = subgroupShuffleXor(value, 1);
#else
      const float partner = 0.0;
#endif
      if (wanted && row < ROWS) emit(row, firstToken + n, value, partner);
    }
#endif
  }
}
