// A workgroup computes HEADROOM_MATRIX_TILE_ROWS neighbouring rows for HEADROOM_PROJECTION_TILE tokens with cooperative
// matrices: both are loaded for 32 columns at a time, into registers while the columns before are multiplied, and from
// there into shared memory as halves. Inputs, and weights that are more than halves, go as two halves each
// (split_halves.glsl), so that results are as exact as those of projection_tile.glsl. Inputs are divided by
// kInputScale, for a half ends at 65504: with it they may reach 1.6e7.
// Each subgroup has a rectangle of the tile; of its results two sums, of high parts and of the rest.
// Workgroups: (matrix rows / MATRIX_TILE_ROWS, tokens / PROJECTION_TILE). Those that load the same weights follow each
// other. All subgroups are full.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(local_size_x = HEADROOM_PROJECTION_TILE_INVOCATIONS) in;
// Rows, columns and depth of a cooperative matrix, which is of a subgroup; subgroups of a workgroup.
layout(constant_id = HEADROOM_MATRIX_SIDE_CONSTANT) const uint SIDE = 16;
layout(constant_id = HEADROOM_SUBGROUPS_CONSTANT) const uint SUBGROUPS = 8;
#include "split_halves.glsl"

const uint INVOCATIONS = HEADROOM_PROJECTION_TILE_INVOCATIONS;
const uint TILE_ROWS = HEADROOM_MATRIX_TILE_ROWS;
const uint TILE_TOKENS = HEADROOM_PROJECTION_TILE;
const uint STEP4 = 8;                // texels of columns at a time: a block of Q8_0
const uint STRIDE4 = STEP4 + 2;      // texels of halves from one row or token in shared memory to the next
const uint WEIGHT_PARTS = WEIGHT_FORMAT == FORMAT_F16 ? 1 : 2;
const uint RUNS = STEP4 / RUN4;      // of a row
const uint LOADED_RUNS = (TILE_ROWS * RUNS + INVOCATIONS - 1) / INVOCATIONS;  // of an invocation
const uint TOKEN_STRIDE = INVOCATIONS / STEP4;  // between the tokens that an invocation loads
const float kInputScale = 256.0;

// The rectangle of a subgroup, in matrices: as square as it can be.
const uint RECTANGLE = TILE_ROWS / SIDE * (TILE_TOKENS / SIDE) / SUBGROUPS;
const uint ACROSS = RECTANGLE >= 4 ? 2 : 1;         // tokens
const uint DOWN = RECTANGLE / ACROSS;               // rows
const uint PER_LINE = TILE_TOKENS / SIDE / ACROSS;  // subgroups side by side

#define FIRST_TOKENS (WEIGHT_PARTS * TILE_ROWS * STRIDE4)
const uint TILES4 = FIRST_TOKENS + 2 * TILE_TOKENS * STRIDE4;
const uint RESULTS4 = SUBGROUPS * SIDE * SIDE / 2;
// High parts of rows, low parts where there are any, high parts of tokens, low parts; at the end results.
shared uvec2 pool[TILES4 > RESULTS4 ? TILES4 : RESULTS4];
shared float tokenScale[TILE_TOKENS];
shared float tokenMean[TILE_TOKENS];
#include "token_sums.glsl"

#define LEFT coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA>
#define RIGHT coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB>
#define SUM coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>

Run nextRuns[LOADED_RUNS];
vec4 nextInputs[INPUT_SLOTS];

bool hasRun(uint index, uint firstRow) {
  return index < TILE_ROWS * RUNS && firstRow + index / RUNS < MATRIX_ROWS;
}

void loadNext(uint firstRow, uint firstToken, uint column4) {
  [[unroll]] for (uint i = 0; i < LOADED_RUNS; ++i) {
    const uint index = gl_LocalInvocationIndex + i * INVOCATIONS;
    if (hasRun(index, firstRow)) nextRuns[i] = loadRun(firstRow + index / RUNS, column4 + index % RUNS * RUN4);
  }
  [[unroll]] for (uint slot = 0; slot < INPUT_SLOTS; ++slot) {
    const uint item = gl_LocalInvocationIndex / STEP4 + slot * TOKEN_STRIDE;
    nextInputs[slot] = loadInput(tokenOf(firstToken + item), column4 + gl_LocalInvocationIndex % STEP4, slot);
  }
}

// What loadNext() left in registers, of `column4`, as halves.
void storeNext(uint firstRow, uint column4) {
  [[unroll]] for (uint i = 0; i < LOADED_RUNS; ++i) {
    const uint index = gl_LocalInvocationIndex + i * INVOCATIONS;
    if (index >= TILE_ROWS * RUNS) break;
    const uint first = index % RUNS * RUN4;
    const uint place = index / RUNS * STRIDE4 + first;
    vec4 run[RUN4];
    if (hasRun(index, firstRow)) {
      spreadRun(nextRuns[i], factorsOf(nextRuns[i], (column4 + first) / RUN4 % 8), run);
    } else {
      [[unroll]] for (uint k = 0; k < RUN4; ++k) run[k] = vec4(0.0);
    }
    [[unroll]] for (uint k = 0; k < RUN4; ++k) {
      if (WEIGHT_PARTS == 1) {
        pool[place + k] = packHalves(run[k]);
      } else {
        const SplitHalves parts = splitHalves(run[k]);
        pool[place + k] = parts.high;
        pool[TILE_ROWS * STRIDE4 + place + k] = parts.low;
      }
    }
  }
  [[unroll]] for (uint slot = 0; slot < INPUT_SLOTS; ++slot) {
    const uint item = gl_LocalInvocationIndex / STEP4 + slot * TOKEN_STRIDE;
    const uint place = FIRST_TOKENS + item * STRIDE4 + gl_LocalInvocationIndex % STEP4;
    const SplitHalves parts = splitHalves(nextInputs[slot] / kInputScale);
    pool[place] = parts.high;
    pool[TILE_TOKENS * STRIDE4 + place] = parts.low;
  }
}

float result(float product, uint row, uint item) {
  return finished(product, row, true, tokenScale[item], tokenMean[item]);
}

void main() {
  // Token tiles first.
  const uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  const uint firstRow = group / gl_NumWorkGroups.y * TILE_ROWS;
  const uint firstToken = firstTokenOf(group % gl_NumWorkGroups.y);
  const uint ownRow = gl_SubgroupID / PER_LINE * DOWN * SIDE;  // of the subgroup, in the tile
  const uint ownToken = gl_SubgroupID % PER_LINE * ACROSS * SIDE;
  SUM high[DOWN * ACROSS];
  SUM low[DOWN * ACROSS];
  [[unroll]] for (uint i = 0; i < DOWN * ACROSS; ++i) {
    high[i] = SUM(0.0);
    low[i] = SUM(0.0);
  }
  [[unroll]] for (uint slot = 0; slot < INPUT_SLOTS; ++slot) {
    squares[slot] = 0.0;
    sums[slot] = 0.0;
  }
  loadNext(firstRow, firstToken, 0);
  for (uint column4 = 0; column4 < COLUMNS4; column4 += STEP4) {
    barrier();
    storeNext(firstRow, column4);
    barrier();
    if (column4 + STEP4 < COLUMNS4) loadNext(firstRow, firstToken, column4 + STEP4);
    [[unroll]] for (uint k = 0; k < STEP4; k += SIDE / 4) {
      LEFT rows[DOWN * WEIGHT_PARTS];
      RIGHT tokens[ACROSS * 2];
      [[unroll]] for (uint i = 0; i < DOWN * WEIGHT_PARTS; ++i) {
        const uint row = i / DOWN * TILE_ROWS + ownRow + i % DOWN * SIDE;
        coopMatLoad(rows[i], pool, row * STRIDE4 + k, STRIDE4, gl_CooperativeMatrixLayoutRowMajor);
      }
      [[unroll]] for (uint i = 0; i < ACROSS * 2; ++i) {
        const uint item = i / ACROSS * TILE_TOKENS + ownToken + i % ACROSS * SIDE;
        coopMatLoad(tokens[i], pool, FIRST_TOKENS + item * STRIDE4 + k, STRIDE4,
                    gl_CooperativeMatrixLayoutColumnMajor);
      }
      [[unroll]] for (uint r = 0; r < DOWN; ++r) {
        [[unroll]] for (uint n = 0; n < ACROSS; ++n) {
          const uint i = r * ACROSS + n;
          high[i] = coopMatMulAdd(rows[r], tokens[n], high[i]);
          low[i] = coopMatMulAdd(rows[r], tokens[ACROSS + n], low[i]);
          if (WEIGHT_PARTS == 2) low[i] = coopMatMulAdd(rows[DOWN * (WEIGHT_PARTS - 1) + r], tokens[n], low[i]);
        }
      }
    }
  }
  [[unroll]] for (uint slot = 0; slot < INPUT_SLOTS; ++slot) {
    const float scale = outputScale(slot);
    const float mean = outputMean(slot);
    const uint item = gl_LocalInvocationIndex / STEP4 + slot * TOKEN_STRIDE;
    if (gl_LocalInvocationIndex % STEP4 == 0) {
      tokenScale[item] = scale;
      tokenMean[item] = mean;
    }
  }
  const uint place = gl_SubgroupID * SIDE * SIDE / 2;
  [[unroll]] for (uint i = 0; i < DOWN * ACROSS; ++i) {
    barrier();
    coopMatStore((high[i] + low[i] * (1.0 / kLowScale)) * kInputScale, pool, place, SIDE / 2,
                 gl_CooperativeMatrixLayoutColumnMajor);
    barrier();
    for (uint pair = gl_SubgroupInvocationID; pair < SIDE * SIDE / 2; pair += gl_SubgroupSize) {
      const uint row = firstRow + ownRow + i / ACROSS * SIDE + pair % (SIDE / 2) * 2;
      const uint item = ownToken + i % ACROSS * SIDE + pair / (SIDE / 2);
      const uint token = firstToken + item;
      if (token >= ROW_COUNT || row >= MATRIX_ROWS) continue;
      const vec2 product = uintBitsToFloat(pool[place + pair]);
      const float even = result(product.x, row, item);
      if (row + 1 == MATRIX_ROWS) {
        emit(row, token, even, 0.0);
        continue;
      }
      const float odd = result(product.y, row + 1, item);
#ifdef PAIRS_GATE_UP
      emit(row / 2, token, even, odd);
#else
      emit(row, token, even, odd);
      emit(row + 1, token, odd, even);
#endif
    }
  }
}
