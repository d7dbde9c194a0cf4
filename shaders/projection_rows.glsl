// Each subgroup computes HEADROOM_SUBGROUP_ROWS neighbouring rows for TOKENS tokens: its lanes take runs of columns by
// turns and add up at the end. For one token the loads of several runs are on their way before the first is used: on an
// H200 that is what reaches its memory's rate. Any subgroup size from 8 on, any number of subgroups and workgroups: rows
// are taken in turns. Workgroups: (any, tokens / TOKENS).
#extension GL_KHR_shader_subgroup_arithmetic : require
#define SUBGROUP_ROWS HEADROOM_SUBGROUP_ROWS

layout(local_size_x_id = HEADROOM_INVOCATIONS_CONSTANT) in;

// Runs of a row in flight.
const uint FLIGHT = TOKENS > 1 ? 1 : 4 / RUN_WORDS;

float product[SUBGROUP_ROWS][TOKENS];

float sumLanes(float value) { return subgroupAdd(value); }

void multiply(uint firstRow, uint firstToken) {
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    squares[n] = 0.0;
    sums[n] = 0.0;
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) product[r][n] = 0.0;
  }
  const uint stride = gl_SubgroupSize * RUN4;
  // The loop is the same for all lanes, of which some may be past the end: factorsOf() needs them together.
  for (uint first = 0; first < COLUMNS4; first += stride * FLIGHT) {
    Run runs[FLIGHT][SUBGROUP_ROWS];
    [[unroll]] for (uint l = 0; l < FLIGHT; ++l) {
      const uint column4 = first + l * stride + gl_SubgroupInvocationID * RUN4;
      [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
        if (column4 < COLUMNS4 && firstRow + r < MATRIX_ROWS) runs[l][r] = loadRun(firstRow + r, column4);
      }
    }
    [[unroll]] for (uint l = 0; l < FLIGHT; ++l) {
      vec3 factors[SUBGROUP_ROWS];
      [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
        factors[r] = factorsOf(runs[l][r], gl_SubgroupInvocationID % 8);
      }
      const uint column4 = first + l * stride + gl_SubgroupInvocationID * RUN4;
      if (column4 < COLUMNS4) {
        vec4 x[TOKENS][RUN4];
        [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
          [[unroll]] for (uint i = 0; i < RUN4; ++i) x[n][i] = loadInput(tokenOf(firstToken + n), column4 + i, n);
        }
        [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
          if (firstRow + r < MATRIX_ROWS) {
            vec4 run[RUN4];
            spreadRun(runs[l][r], factors[r], run);
            [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
              [[unroll]] for (uint i = 0; i < RUN4; ++i) product[r][n] += dot(run[i], x[n][i]);
            }
          }
        }
      }
    }
  }
  [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
    [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) product[r][n] = sumLanes(product[r][n]);
  }
}

void main() {
  const uint firstToken = firstTokenOf(gl_WorkGroupID.y);
  const uint rowStride = gl_NumWorkGroups.x * gl_NumSubgroups * SUBGROUP_ROWS;
  for (uint firstRow = (gl_WorkGroupID.x * gl_NumSubgroups + gl_SubgroupID) * SUBGROUP_ROWS; firstRow < MATRIX_ROWS;
       firstRow += rowStride) {
    multiply(firstRow, firstToken);
    [[unroll]] for (uint n = 0; n < TOKENS; ++n) {
      const float scale = outputScale(n);
      const float mean = outputMean(n);
      const bool wanted = firstToken + n < ROW_COUNT;
      // Each lane hands on one of the rows.
#ifdef PAIRS_GATE_UP
      [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; r += 2) {
        if (wanted && firstRow + r < MATRIX_ROWS && gl_SubgroupInvocationID == r / 2) {
          emit((firstRow + r) / 2, firstToken + n, finished(product[r][n], firstRow + r, true, scale, mean),
               finished(product[r + 1][n], firstRow + r + 1, true, scale, mean));
        }
      }
#else
      [[unroll]] for (uint r = 0; r < SUBGROUP_ROWS; ++r) {
        if (wanted && firstRow + r < MATRIX_ROWS && gl_SubgroupInvocationID == r) {
#ifdef PAIRS_ADJACENT
          const float partner = finished(product[r ^ 1u][n], (firstRow + r) ^ 1u, true, scale, mean);
#else
          const float partner = 0.0;
#endif
          emit(firstRow + r, firstToken + n, finished(product[r][n], firstRow + r, true, scale, mean), partner);
        }
      }
#endif
    }
  }
}
